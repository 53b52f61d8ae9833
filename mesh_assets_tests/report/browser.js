// Opens a report in jsdom and does what a reader does. Arguments: node_modules, the page. Prints what it saw, as JSON.

const [modules, file] = process.argv.slice(2);
const { JSDOM, VirtualConsole } = require(`${modules}/jsdom`);
const fs = require("fs");

const errors = [];
const quiet = new VirtualConsole();
quiet.on("jsdomError", (error) => errors.push(String(error.cause?.stack ?? error)));
const { window } = new JSDOM(fs.readFileSync(file, "utf8"), {
  runScripts: "dangerously", pretendToBeVisual: true, url: "file:///report.html", virtualConsole: quiet,
  beforeParse(opened) {
    Object.assign(opened, { Response, Blob, DecompressionStream, structuredClone, scrollTo: () => {} }); // what jsdom lacks of browsers
    opened.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
  },
});
process.on("unhandledRejection", (error) => errors.push(String(error?.stack ?? error)));
const { document } = window;
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const shown = () => document.querySelector("#view:not([hidden]), #overview:not([hidden])");
const text = (element) => element.textContent.replace(/\s+/g, " ").trim();

async function go(hash) {
  const before = window.location.hash;
  const changed = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  window.location.hash = hash;
  if (window.location.hash !== before) await changed;
  return { heading: text(shown().querySelector("h1")), title: document.title, path: text(shown().querySelector(".path") ?? document.createElement("p")),
    current: all("nav a[aria-current]").map((one) => one.getAttribute("href")), focus: document.activeElement.id, text: text(shown()) };
}
const firsts = () => all("tbody tr", shown()).map((row) => text(row.firstChild));
const press = (title) => all("thead button", shown()).find((one) => text(one) === title).click();
const sorted = (title) => all("th[aria-sort]", shown()).find((one) => text(one) === title).getAttribute("aria-sort");
const act = (element, kind, options = {}) => element.dispatchEvent(new window.Event(kind, { bubbles: true, ...options }));

async function main() {
  for (let waited = 0; waited < 500 && !document.querySelector("#mesh svg, #mesh p, #failed:not([hidden])"); waited += 1) await turn();
  const seen = { failed: text(document.getElementById("failed")), drawn: all("#mesh svg a").map((one) => one.getAttribute("href")), title: document.title };

  await go("#topics");
  seen.sorting = { first: firsts() };
  for (const title of ["Records", "Records", "Topic"]) {
    press(title);
    (seen.sorting[title] ??= []).push([sorted(title), firsts()]);
  }
  await go("#groups");
  const input = document.querySelector("#view input[type=search]");
  input.value = "FRAUD";
  act(input, "input");
  seen.filtered = { rows: firsts(), status: text(document.querySelector("#view [role=status]")) };
  input.value = "no group is called so";
  act(input, "input");
  seen.filtered_out = { rows: firsts(), status: text(document.querySelector("#view [role=status]")) };
  await go("#findings");
  const pick = document.querySelector("#view select[aria-label=Severity]");
  pick.value = "critical";
  act(pick, "change");
  seen.chosen = { rows: firsts(), status: text(document.querySelector("#view [role=status]")) };
  seen.kind = (await go("#findings/failed_connector"), { rows: firsts(), picked: document.querySelector("#view select[aria-label=Kind]").value });

  await go("#overview");
  document.body.dispatchEvent(new window.KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
  seen.slash = document.activeElement.name;
  document.activeElement.value = "order";
  const searched = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  act(document.getElementById("search"), "submit", { cancelable: true });
  await searched;
  seen.search = { hash: window.location.hash, heading: text(shown().querySelector("h1")), found: firsts() };

  seen.odd = {};
  for (const hash of ["#topic/%E0%A4%A", "#nonsense", "#topic", "#topic/nowhere/x", "#group/warehouse", "#node/x", "#node/999999", "#stack", "#domain", "#constructor", "#__proto__/x"]) {
    seen.odd[hash] = (await go(hash)).heading;
  }

  // Every page that a link leads to, from link to link.
  Object.assign(seen, { pages: {}, labels: 0, overlaid: [] });
  const waiting = ["#overview"];
  while (waiting.length) {
    const hash = waiting.shift();
    if (hash in seen.pages || hash === "#main") continue;
    seen.pages[hash] = await go(hash);
    for (const drawing of all("svg", shown())) {
      const places = all("text.label", drawing).map((one) => `${one.getAttribute("x")} ${one.getAttribute("y")}`);
      seen.labels += places.length;
      if (new Set(places).size < places.length) seen.overlaid.push(hash);
    }
    waiting.push(...[...all("header a"), ...all("a", shown())].map((one) => one.getAttribute("href")));
  }
  seen.foreign = all("img, iframe, object, embed, base, link, script[src], b:not(nav b)").map((one) => one.outerHTML.slice(0, 200));
  seen.handlers = all("*").flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on"));
  window.dispatchEvent(new window.Event("beforeprint"));
  seen.opened = all("#overview > details").map((one) => one.open);
  seen.errors = errors;
  process.stdout.write(JSON.stringify(seen), () => process.exit(0));
}
main().catch((error) => {
  process.stderr.write(`${error.stack}\n${errors.join("\n")}`);
  process.exit(1);
});
