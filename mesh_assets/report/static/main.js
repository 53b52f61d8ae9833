// The address after # says which view is shown, so that links, history and bookmarks work.

const VIEWS = {
  findings: (kind) => [h("h1", {}, "Findings"), leftOut("findings", "`mesh-assets findings --json` lists all."), findingTable(findings, kind)],
  changes: () => [h("h1", {}, `Changes since ${moment(page.since)}`), leftOut("changes", "the tool list_changes and `mesh-assets diff` show all."), changeTable(changes)],
  lineage: () => [h("h1", {}, "Lineage"), wholeMesh(), h("h2", {}, "Domains"), domainTable()],
  topics: () => [h("h1", {}, "Topics"), topicTable(topics)],
  connectors: () => [h("h1", {}, "Connectors"), connectorTable(connectors)],
  schemas: () => [h("h1", {}, "Schemas"), schemaTable(schemas)],
  groups: () => [h("h1", {}, "Consumer groups"), groupTable(groups)],
  domain: (cluster, name) => (cluster === undefined ? VIEWS.lineage() : domainPage(cluster, name ?? "")),
  search: (text) => searched(text ?? ""),
  node: (place) => nodePage(Number(place)),
  stack: (...places) => [h("h1", {}, counted(places.length, "thing")), nodeTable(places.map((place) => nodes[Number(place)]).filter(Boolean))],
  ...Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, (cluster, name, connect) => thing(kind, cluster, name ?? "", connect)])),
};
const domainTable = () => table("Domains", domains, withCluster([
  { title: "Domain", value: (one) => one.name, show: (one) => h("a", { href: address("domain", clusterName(one), one.name) }, one.name) },
  { title: "Topics", numeric: true, value: (one) => one.topics, show: (one) => number(one.topics) },
  { title: "Owners", value: (one) => one.owners.join(", "), show: (one) => one.owners.join(", ") || "–" },
]), { noun: "domain" });
const MENU = { topic: "topics", connector: "connectors", schema: "schemas", group: "groups", domain: "lineage", node: "lineage", stack: "lineage" };

function parts(hash) {
  try {
    return hash.slice(1).split("/").map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return ["overview"]; // a link that somebody cut
    throw error;
  }
}

function show() {
  if (location.hash === "#main") return;
  const [name, ...rest] = parts(location.hash);
  const view = document.getElementById("view");
  const overview = document.getElementById("overview");
  const render = Object.hasOwn(VIEWS, name) ? VIEWS[name] : null;
  overview.hidden = render !== null;
  view.hidden = render === null;
  view.replaceChildren(...(render ? render(...rest).flat().filter(Boolean) : []));
  const current = render ? (MENU[name] ?? name) : "overview";
  for (const one of document.querySelectorAll("nav a")) {
    if (one.getAttribute("href") === `#${current}`) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  if (!render && !show.drawn) {
    show.drawn = true;
    document.getElementById("mesh").replaceChildren(wholeMesh());
  }
  const title = (render ? view : overview).querySelector("h1")?.textContent ?? "";
  document.title = `${title} · Mesh report`;
  if (show.before !== undefined) {
    window.scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true }); // a screen reader starts at the new view
  }
  show.before = location.hash;
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = new FormData(event.target).get("q").trim();
  if (text) location.hash = address("search", text);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  document.querySelector("#search input").focus();
});
window.addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("#overview > details")) one.open = true;
});
window.addEventListener("hashchange", show);
show();
