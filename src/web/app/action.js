// Buttons that perform something.

import { confirmed } from "./dialog.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { showError } from "./notice.js";

// A button with the text of a key. What goes wrong is told, and until it has ended it is not begun again. With a question, it asks first.
export function action(key, perform, { icon: name, look = "", question, values } = {}) {
  let isBusy = false;
  async function press() {
    if (isBusy || (question && !(await confirmed(question, t(key, values))))) return;
    isBusy = true;
    try {
      await perform();
    } catch (error) {
      showError(error);
    }
    isBusy = false;
  }
  return h(`button${look}`, { type: "button", onclick: press }, name && icon(name), t(key, values));
}
