// Which rows are selected: one by one, from one to another with shift, or all.

export class Selection {
  constructor(onchange) {
    this.selected = new Set();
    this.onchange = onchange;
    this.last = undefined;
  }

  has(id) {
    return this.selected.has(id);
  }

  ids() {
    return [...this.selected];
  }

  // A row's box was clicked: with shift, all rows since the last click get its state.
  toggle(id, event, order, body) {
    const isOn = event.target.checked;
    const from = event.shiftKey && this.last !== undefined ? order.indexOf(this.last) : -1;
    const to = order.indexOf(id);
    const range = from < 0 ? [id] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.last = id;
    this.set(range, isOn, body);
  }

  setAll(ids, isOn, body) {
    this.set(ids, isOn, body);
  }

  set(ids, isOn, body) {
    for (const id of ids) isOn ? this.selected.add(id) : this.selected.delete(id);
    for (const row of body.rows) row.querySelector("input[type=checkbox]").checked = this.selected.has(row.dataset.id);
    this.onchange();
  }
}
