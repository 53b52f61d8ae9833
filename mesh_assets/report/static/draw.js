// Drawing boxes and what flows between them, laid out by dagre from left to right.

const WIDTH = 204;
const HEIGHT = 46;
const LETTERS = 24;

// The beginning of a name says what it is, the end which one.
const brief = (text, most = LETTERS) => (text.length <= most ? text : `${text.slice(0, most - 10)}…${text.slice(-9)}`);

// Of a place, the end says more than whatever holds it.
const ending = (text, most = LETTERS) => (text.length <= most ? text : `…${text.slice(1 - most)}`);

// boxes: [{ id, what, name, title, href, kind, wrong, here }]; links: [{ source, target, label, style, title }].
function drawing(boxes, links, label) {
  const graph = new dagre.graphlib.Graph();
  const ends = Object.fromEntries(["source", "target"].map((side) => [side, grouped(links, (one) => one[side])]));
  // The more arrows fan out of a box, the more room they need to be told apart.
  const widest = Math.max(0, ...Object.values(ends).flatMap((side) => [...side.values()].map((met) => met.length)));
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 54 + 4 * Math.min(40, widest), marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) graph.setNode(String(box.id), { width: WIDTH, height: HEIGHT });
  for (const one of links) graph.setEdge(String(one.source), String(one.target));
  dagre.layout(graph);
  const { width, height } = graph.graph();
  const marker = `arrow-${drawing.count = (drawing.count ?? 0) + 1}`;
  // Where fewer arrows meet, labels do not lie on each other.
  const labelAt = (one) => (ends.source.get(one.source).length < ends.target.get(one.target).length ? "source" : "target");
  const arrows = links.map((one) => edgeShape(one, graph.node(String(one.source)), graph.node(String(one.target)),
    graph.edge(String(one.source), String(one.target)).points, marker, labelAt(one)));
  return h("div", { class: "graph", tabindex: "0", role: "region", "aria-label": label },
    svg("svg", { width: Math.ceil(width), height: Math.ceil(height), viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, role: "group" },
      svg("defs", {}, svg("marker", { id: marker, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        svg("path", { d: "M0 0L8 4L0 8z" }))),
      arrows.map((one) => one.path),
      arrows.map((one) => one.label), // above all lines
      boxes.map((box) => boxShape(box, graph.node(String(box.id)))),
    ));
}

// From the side of one box to the side of the other, straight past the boxes between: every second point that dagre
// gives lies in a column of boxes. What flows back keeps a little below what flows on.
function edgeShape(one, from, to, points, marker, labelAt) {
  const way = to.x >= from.x ? 1 : -1;
  const below = way > 0 ? 0 : 9;
  const passed = points.slice(1, -1).filter((_, at) => at % 2 === 1);
  const stops = [{ x: from.x + (way * WIDTH) / 2, y: from.y + below },
    ...passed.flatMap((point) => [-1, 1].map((side) => ({ x: point.x + (side * way * WIDTH) / 2, y: point.y }))),
    { x: to.x - (way * (WIDTH + 3)) / 2, y: to.y + below }];
  let path = `M${round(stops[0].x)} ${round(stops[0].y)}`;
  for (let at = 1; at < stops.length; at += 1) {
    const [a, b] = [stops[at - 1], stops[at]];
    const middle = round((a.x + b.x) / 2);
    path += at % 2 ? `C${middle} ${round(a.y)} ${middle} ${round(b.y)} ${round(b.x)} ${round(b.y)}` : `L${round(b.x)} ${round(b.y)}`;
  }
  const [end, inward, room] = labelAt === "source" ? [stops[0], way, 6] : [stops.at(-1), -way, 12];
  return {
    path: svg("path", { d: path, class: one.style, "marker-end": `url(#${marker})` }, one.title && svg("title", {}, one.title)),
    label: one.label && svg("text", { class: "label", x: end.x + inward * room, y: end.y - 4 + (way > 0 ? 0 : 15), "text-anchor": inward > 0 ? "start" : "end" }, one.label),
  };
}
const round = (value) => Math.round(value * 10) / 10;

function boxShape(box, at) {
  const inner = svg("g", { class: `${box.kind}${box.here ? " here" : ""}`, transform: `translate(${at.x - WIDTH / 2} ${at.y - HEIGHT / 2})` },
    svg("title", {}, box.title),
    svg("rect", { width: WIDTH, height: HEIGHT, rx: box.kind === "topic" ? 8 : box.kind === "connector" ? 2 : 20 }),
    svg("text", { class: "what", x: 13, y: 18 }, box.what),
    box.wrong && svg("text", { class: "wrong", x: WIDTH - 12, y: 18, "text-anchor": "end" }, box.wrong),
    svg("text", { x: 13, y: 35 }, box.kind === "dataset" ? ending(box.name) : brief(box.name)));
  return box.href ? svg("a", { href: box.href, "aria-label": box.title }, inner) : inner;
}

const WHAT = { application: "consumer group", dataset: "outside data", event_source_mapping: "event source mapping" };
const whatOf = (node) => WHAT[node.kind] ?? words(node.kind);
function fullName(node) {
  return node.namespace === null || node.kind !== "dataset" ? node.name || '""'
    : `${node.namespace}${node.name === "/" ? "" : `/${node.name.replace(/^\//, "")}`}`;
}
function wrongOf(node) {
  const [kind, row] = rowOfNode(node);
  const found = kind && row ? findingsFor(kind, row).filter((one) => one.severity !== "info") : [];
  return found.length ? `▲ ${counted(found.length, "finding")}` : null;
}
function hrefOfNode(node) {
  const [kind, row] = rowOfNode(node);
  return row ? addressOf(kind, row) : address("node", node.place);
}

// Lineage of these nodes, alike ones as one box, at most 40 boxes; with all edges as a table below.
function lineageOf(members, chosen, label, here = null) {
  const { stacks, links } = stacked(members, chosen, here);
  const keep = here === null ? -1 : stacks.findIndex((stack) => stack.includes(here));
  const { shown, links: between } = mostLinked(stacks, links, keep);
  const boxes = shown.map((place) => {
    const [first] = stacks[place];
    const node = nodes[first];
    const many = stacks[place].length > 1;
    return {
      id: place, kind: node.kind, here: place === keep,
      what: `${many ? `${number(stacks[place].length)} × ` : ""}${node.kind === "dataset" && node.namespace !== null ? `outside · ${brief(node.namespace, 22)}` : whatOf(node)}`,
      name: `${node.kind === "dataset" ? node.name : fullName(node)}${many ? " …" : ""}`,
      title: `${whatOf(node)} ${stacks[place].slice(0, 20).map((one) => fullName(nodes[one])).join(", ")}${stacks[place].length > 20 ? " …" : ""}`,
      href: many ? address("stack", ...stacks[place].slice(0, 200)) : hrefOfNode(node),
      wrong: many ? null : wrongOf(node),
    };
  });
  const drawn = between.map((one) => {
    const [edge] = one.edges;
    return { ...one, style: edge.purpose === "data" ? edge.known : edge.purpose, title: `${words(edge.known)}: ${edge.by}`,
      label: edge.purpose === "data" ? null : words(edge.purpose) };
  });
  return h("div", {},
    drawing(boxes, drawn, label),
    h("p", { class: "key" },
      "Arrows: solid, declared or seen at work; dashed, inferred; dotted, dead letters and topics a system keeps for itself. Things with the same neighbours are one box. ",
      shown.length < stacks.length && `Only the ${shown.length} boxes with the most links, of ${number(stacks.length)}, are drawn; the table has all.`),
    h("details", {}, h("summary", {}, `${counted(chosen.length, "edge")} with ${chosen.length === 1 ? "its" : "their"} evidence`), edgeTable(chosen)));
}
