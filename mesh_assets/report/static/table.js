// Tables that sort and filter. Rows are rendered by the hundred: a large estate has thousands.

const STEP = 100;
const orders = new Intl.Collator("en", { numeric: true });

// Unknown values come last in either order.
function compare(a, b, descending) {
  const lacks = (value) => value === null || value === undefined;
  if (lacks(a) || lacks(b)) return lacks(a) - lacks(b);
  const order = typeof a === "number" && typeof b === "number" ? a - b : orders.compare(String(a), String(b));
  return descending ? -order : order;
}

// columns: [{ title, value, show, numeric, filter }]. `value` sorts and is searched; `show` is an element or a text;
// `filter` offers the column's values as a choice; `kind` is a class: t for times, w for sentences. `chosen`: of those filters from the start, by title.
function table(label, rows, columns, { noun = "row", chosen = {}, search = rows.length > 12 } = {}) {
  if (!rows.length) return h("p", { class: "quiet" }, `No ${noun}s.`);
  const state = { text: "", chosen: new Map(Object.entries(chosen)), by: null, descending: false, shown: STEP };
  const body = h("tbody");
  const status = h("span", { class: "quiet", role: "status" });
  const more = h("button", { type: "button", on: { click: () => { state.shown += STEP * 5; render(); } } }, "Show more");
  const heads = columns.map((column, at) => h("th", { scope: "col", class: column.numeric && "n", "aria-sort": "none" },
    h("button", { type: "button", on: { click: () => sort(at) } }, column.title)));

  function sort(at) {
    if (state.by === at) state.descending = !state.descending;
    else Object.assign(state, { by: at, descending: Boolean(columns[at].numeric) });
    heads.forEach((head, one) => head.setAttribute("aria-sort", one !== at ? "none" : state.descending ? "descending" : "ascending"));
    render();
  }

  function render() {
    const wanted = state.text.toLowerCase();
    let found = rows.filter((row) =>
      columns.every((column) => !state.chosen.get(column.title) || String(column.value(row)) === state.chosen.get(column.title))
      && (!wanted || columns.some((column) => String(column.value(row) ?? "").toLowerCase().includes(wanted))));
    if (state.by !== null) {
      const { value } = columns[state.by];
      found = found.sort((a, b) => compare(value(a), value(b), state.descending));
    }
    body.replaceChildren(...found.slice(0, state.shown).map((row) => h("tr", {}, columns.map((column, at) =>
      h(at ? "td" : "th", { class: column.numeric ? "n" : column.kind, scope: at ? null : "row" }, column.show ? column.show(row) : orUnknown(column.value(row)))))));
    const listed = Math.min(found.length, state.shown);
    status.textContent = `${listed < found.length ? `first ${number(listed)} of ` : ""}${counted(found.length, noun)}${found.length < rows.length ? ` of ${number(rows.length)}` : ""}`;
    more.hidden = listed === found.length;
  }

  const choices = columns.filter((column) => column.filter).map((column) => {
    const values = [...new Set(rows.map((row) => String(column.value(row))))].sort(orders.compare);
    if (values.length < 2) return null;
    const pick = h("select", { "aria-label": column.title, on: { change: () => { state.chosen.set(column.title, pick.value); render(); } } },
      h("option", { value: "" }, `${column.title}: all`),
      values.map((value) => h("option", { value, selected: state.chosen.get(column.title) === value }, value === "null" ? "unknown or none" : words(value))));
    return pick;
  });
  const input = h("input", { type: "search", "aria-label": `Filter ${label}`, placeholder: "Filter", spellcheck: "false", on: { input: () => { Object.assign(state, { text: input.value, shown: STEP }); render(); } } });
  render();
  return h("div", {},
    (search || choices.some(Boolean)) && h("div", { class: "tools" }, search && input, choices, status),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), body)),
    h("div", { class: "tools" }, more));
}
