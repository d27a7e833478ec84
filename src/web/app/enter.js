// Links that sign in. Their token is in the fragment, which no server or proxy sees, and is exchanged for a session by a request of the page:
// loading it alone uses nothing up. Who is signed in already stays so.

import { session } from "./api.js";
import { showError } from "./notice.js";

const BEGINNING = "#enter=";

export async function enterByLink() {
  // A link that is opened in a page that shows already changes its fragment alone.
  addEventListener("hashchange", () => location.hash.startsWith(BEGINNING) && location.reload());
  if (!location.hash.startsWith(BEGINNING)) return;
  const token = location.hash.slice(BEGINNING.length);
  history.replaceState(null, "", location.pathname + location.search);
  await session.me().catch(() => session.enter(token)).catch(showError);
}
