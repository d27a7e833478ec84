// What the pages share.

import { base } from "./base.js";

export const state = {
  base,
  // The user who is signed in, as /users/me says.
  user: undefined,
  // Where a user who had to sign in wanted to go.
  returnTo: undefined,
  // What the page of the sign-in says first: the key of a text.
  message: undefined,
};
