// How things look: elements, figures, names and links. Texts of the estate become text nodes, never markup.

function make(parent, tag, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) parent.addEventListener(event, act);
    else parent.setAttribute(name, value === true ? "" : value);
  }
  parent.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return parent;
}
const h = (tag, attributes, ...children) => make(document.createElement(tag), tag, attributes, children);
const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), tag, attributes, children);

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const number = (value) => (Math.abs(value) < 1 && value !== 0 ? precise : numbers).format(value);
const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const words = (text) => text.replaceAll("_", " ");
const unknown = () => h("span", { class: "unknown" }, "unknown");
const orUnknown = (value, show = String) => (value === null || value === undefined ? unknown() : show(value));

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 999.5 && at < units.length - 1) {
    count /= 1000;
    at += 1;
  }
  return `${number(count)} ${units[at]}`;
}

function moment(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function duration(seconds) {
  for (const [most, unit, name] of [[90, 1, "s"], [5400, 60, "min"], [129600, 3600, "h"]]) {
    if (seconds < most) return `${Math.round(seconds / unit)} ${name}`;
  }
  return `${Math.round(seconds / 86400)} days`;
}

const address = (...parts) => `#${parts.map(encodeURIComponent).join("/")}`;
const nameOf = (text) => h("span", { class: "name" }, text === "" ? '""' : text);
// Commands in our texts are in backticks.
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part));
const tag = (severity, text = severity) => h("span", { class: `tag ${severity}` }, text);

// A link to the thing's own page. Two connectors of one name differ by their Connect endpoint.
function addressOf(kind, row) {
  const name = KINDS[kind].name(row);
  const shared = (KINDS[kind].byName.get(named(clusterName(row), name)) ?? []).length > 1;
  return address(kind, clusterName(row), name, ...(shared ? [row.connect] : []));
}
function link(kind, row) {
  return h("a", { class: "name", href: addressOf(kind, row) }, KINDS[kind].name(row) || '""');
}
function linkByName(resourceType, cluster, resource, connect = null) {
  const kind = Object.keys(KINDS).find((one) => KINDS[one].resource === resourceType);
  const rows = kind === undefined ? undefined : KINDS[kind].byName.get(named(clusters[cluster].name, resource));
  return rows === undefined ? nameOf(resource) : link(kind, rows.find((one) => one.connect === connect) ?? rows[0]);
}

const recordsOf = (topic) => orUnknown(topic.message_count, (count) => (topic.message_count_is ? `at most ${number(count)}` : number(count)));
function lagOf(row) {
  if (row.lag === null) return unknown();
  return row.lag_is_more ? h("span", { title: "part of the lag is unknown" }, `at least ${number(row.lag)}`) : number(row.lag);
}
function lagTime(row) {
  if (row.lag_seconds === null) return unknown();
  return `${row.lag_seconds_at_least ? "at least " : ""}${duration(row.lag_seconds)}`;
}
const figure = (value) => (value === null ? "unknown" : typeof value === "number" ? number(value) : Array.isArray(value) ? value.join(", ") : String(value));
const evidence = (one) => h("dl", { class: "figures" },
  Object.entries(one.evidence).map(([name, value]) => h("div", {}, h("dt", {}, words(name)), h("dd", {}, figure(value)))));
const facts = (pairs) => h("dl", { class: "facts" },
  pairs.filter((one) => one !== null).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
