// Follows lineage, and makes drawings small enough to read. Nodes and edges are places in the page's data.

const FOLLOWED = new Set(["data", "dead_letter"]);
const READABLE = 40;

// Where data that comes from one node goes on to from another: for connectors that keep their tables apart.
const beyond = { up: new Map(), down: new Map() };
for (const [through, source, target] of page.flows) {
  for (const [way, entered, left] of [["down", source, target], ["up", target, source]]) {
    if (!beyond[way].has(through)) beyond[way].set(through, { allowed: new Map(), paired: new Set() });
    const flow = beyond[way].get(through);
    if (!flow.allowed.has(entered)) flow.allowed.set(entered, new Set());
    flow.allowed.get(entered).add(left);
    flow.paired.add(left);
  }
}

function leaving(node, cameFrom, way) {
  const found = (way === "down" ? edgesFrom : edgesTo).get(node) ?? [];
  const flow = beyond[way].get(node);
  const allowed = cameFrom === null ? undefined : flow?.allowed.get(cameFrom);
  if (allowed === undefined) return found;
  return found.filter((edge) => {
    const there = way === "down" ? edge.target : edge.source;
    return allowed.has(there) || !flow.paired.has(there);
  });
}

// Everything up to `depth` steps up and down from a node; `more`: not everything was followed.
function around(start, depth, most = 2000) {
  const found = new Set();
  let more = false;
  for (const way of ["up", "down"]) {
    const seen = new Set();
    let here = [[start, null]];
    for (let step = 0; step <= depth && here.length; step += 1) {
      const next = [];
      for (const [node, cameFrom] of here) {
        for (const edge of leaving(node, cameFrom, way)) {
          if (step > 0 && !FOLLOWED.has(edge.purpose)) continue;
          if (step === depth || found.size >= most) {
            more = more || !found.has(edge);
            continue;
          }
          found.add(edge);
          const there = way === "down" ? edge.target : edge.source;
          const entry = `${there} ${beyond[way].has(there) ? node : ""}`;
          if (!seen.has(entry)) {
            seen.add(entry);
            next.push([there, node]);
          }
        }
      }
      here = next;
    }
  }
  return { edges: [...found], more };
}

// Nodes of one kind with the same neighbours are drawn as one: { members, edges }. `keep` always stands alone.
function stacked(members, chosen, keep = null) {
  const signature = new Map(members.map((node) => [node, []]));
  for (const edge of chosen) {
    signature.get(edge.source)?.push(`>${edge.target}${edge.known}${edge.purpose}`);
    signature.get(edge.target)?.push(`<${edge.source}${edge.known}${edge.purpose}`);
  }
  const alike = grouped(members, (node) =>
    node === keep ? "keep" : `${nodes[node].kind} ${nodes[node].cluster} ${signature.get(node).sort().join(" ")}`);
  const stackOf = new Map();
  const stacks = [...alike.values()].map((stack, place) => {
    for (const node of stack) stackOf.set(node, place);
    return stack;
  });
  return { stacks, links: joined(chosen, (node) => stackOf.get(node)) };
}

// One link for all edges between the same two boxes: { source, target, edges }.
function joined(chosen, boxOf) {
  const found = new Map();
  for (const edge of chosen) {
    const source = boxOf(edge.source);
    const target = boxOf(edge.target);
    if (source === undefined || target === undefined || source === target) continue;
    const key = `${source} ${target}`;
    if (!found.has(key)) found.set(key, { source, target, edges: [] });
    found.get(key).edges.push(edge);
  }
  return [...found.values()];
}

// The 40 boxes with the most links, including `keep`, and the links between them.
function mostLinked(boxes, links, keep = -1) {
  if (boxes.length <= READABLE) return { shown: boxes.map((_, place) => place), links };
  const degree = new Array(boxes.length).fill(0);
  for (const one of links) {
    degree[one.source] += 1;
    degree[one.target] += 1;
  }
  if (keep >= 0) degree[keep] = Infinity;
  const shown = boxes.map((_, place) => place).sort((a, b) => degree[b] - degree[a] || a - b).slice(0, READABLE);
  const kept = new Set(shown);
  return { shown, links: links.filter((one) => kept.has(one.source) && kept.has(one.target)) };
}
