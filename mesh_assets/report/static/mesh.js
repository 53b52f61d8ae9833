// The whole mesh: all of it if it is small enough to read, else by domain with a way in.

const drawnEdges = edges.filter((edge) => edge.purpose === "data" || edge.purpose === "dead_letter");

function wholeMesh() {
  const members = [...new Set(drawnEdges.flatMap((edge) => [edge.source, edge.target]))];
  if (!members.length) return h("p", { class: "quiet" }, "No lineage is known.");
  if (members.length <= READABLE) return lineageOf(members, drawnEdges, "Lineage of the mesh");
  return byDomain();
}

// Topics appear as their domain and tables as their system; anything in between is drawn as the flow itself.
function domainBox(node) {
  if (node.topic >= 0) {
    const { domain } = topics[node.topic];
    return domain < 0 ? `none ${node.cluster}` : `domain ${domain}`;
  }
  if (node.kind === "topic") return `none ${node.cluster}`;
  // What a system feeds is not what is fed to it: as one box it would tie all domains into a knot.
  if (node.kind === "dataset") return `${edgesFrom.has(node.place) ? "system" : "sink"} ${node.namespace}`;
  return node.kind === "function" ? "functions" : null;
}

function byDomain() {
  const boxes = new Map();
  const flows = new Map();
  const boxOf = new Map(nodes.map((node) => [node.place, domainBox(node)]));
  for (const node of nodes) {
    const key = boxOf.get(node.place);
    if (key === null) continue;
    if (!boxes.has(key)) boxes.set(key, []);
    boxes.get(key).push(node);
  }
  const passes = grouped(drawnEdges.filter((edge) => boxOf.get(edge.target) === null), (edge) => edge.target);
  const flow = (source, target) => {
    if (source !== target && source && target) flows.set(`${source}\n${target}`, (flows.get(`${source}\n${target}`) ?? 0) + 1);
  };
  const reach = (node, seen) => {
    const key = boxOf.get(node);
    if (key !== null) return [key];
    if (seen.has(node)) return [];
    seen.add(node);
    return (edgesFrom.get(node) ?? []).filter((edge) => FOLLOWED.has(edge.purpose)).flatMap((edge) => reach(edge.target, seen));
  };
  for (const edge of drawnEdges) if (boxOf.get(edge.source) !== null && boxOf.get(edge.target) !== null) flow(boxOf.get(edge.source), boxOf.get(edge.target));
  for (const [through, entering] of passes) {
    const sources = new Set(entering.map((edge) => boxOf.get(edge.source)).filter(Boolean));
    const targets = new Set(reach(through, new Set()));
    for (const source of sources) for (const target of targets) flow(source, target);
  }
  const linked = new Set([...flows.keys()].flatMap((key) => key.split("\n")));
  const keys = [...boxes.keys()].filter((key) => linked.has(key));
  if (!keys.length) return h("p", { class: "quiet" }, "Nothing is known to flow from one domain to another; each is listed below.");
  const placeOf = new Map(keys.map((key, place) => [key, place]));
  const links = [...flows].map(([key, count]) => {
    const [source, target] = key.split("\n");
    return { source: placeOf.get(source), target: placeOf.get(target), style: "data", label: number(count), title: counted(count, "flow") };
  });
  const { shown, links: between } = mostLinked(keys, links);
  return h("div", {},
    drawing(shown.map((place) => describedBox(keys[place], boxes.get(keys[place]), place)), between, "The mesh by domain"),
    h("p", { class: "key" }, "A box is a domain, the topics of a cluster without one, or a system outside Kafka (dashed): on the left if it feeds the mesh, on the right if it is fed. The figure on an arrow counts the connectors, applications and statements that carry records. ",
      shown.length < keys.length && `Only the ${shown.length} boxes with the most arrows, of ${number(keys.length)}, are drawn. `,
      keys.length < boxes.size && `${boxes.size - keys.length === 1 ? "One more has" : `${number(boxes.size - keys.length)} more have`} no known flow to or from another, and no box; all domains are listed below. `,
      "Follow a domain to see what it holds."));
}

function describedBox(key, members, id) {
  const [sort, place] = key.split(" ");
  const [first] = members;
  if (sort === "domain") {
    const domain = domains[place];
    return { id, kind: "domain", what: `${counted(domain.topics, "topic")}${clusters.length > 1 ? ` · ${brief(clusterName(domain), 20)}` : ""}`, name: domain.name, title: `domain ${domain.name} of ${clusterName(domain)}`, href: address("domain", clusterName(domain), domain.name) };
  }
  if (sort === "none") {
    return { id, kind: "domain", what: counted(members.length, "topic"), name: `no domain, ${clusterName(first) ?? "elsewhere"}`, title: `topics without a domain, ${clusterName(first) ?? "elsewhere"}`, href: first.cluster < 0 ? null : address("domain", clusterName(first), "") };
  }
  if (sort === "functions") return { id, kind: "system", what: counted(members.length, "function"), name: "AWS Lambda", title: "functions", href: address("stack", ...members.slice(0, 200).map((one) => one.place)) };
  return { id, kind: "system", what: sort === "sink" ? "outside, fed by the mesh" : "outside, feeds the mesh", name: first.namespace ?? first.name, title: `${counted(members.length, "dataset")} of ${first.namespace}, ${sort === "sink" ? "fed by" : "feeding"} the mesh`, href: address("stack", ...members.slice(0, 200).map((one) => one.place)) };
}

// The topics of a domain, and what feeds and reads them. An empty name: the topics without one.
function domainPage(cluster, name) {
  const of = domains.find((one) => clusterName(one) === cluster && one.name === name);
  if (!of && name !== "") return [h("h1", {}, nameOf(name)), h("p", {}, `No topics of ${cluster} are known to belong to it.`)];
  const rows = topics.filter((topic) => clusterName(topic) === cluster && topic.domain === (of ? of.place : -1));
  const inside = new Set(rows.map((topic) => nodeOfTopic.get(topic.place)));
  const steps = drawnEdges.filter((edge) => inside.has(edge.source) || inside.has(edge.target));
  // From a table through a connector to a topic are two edges.
  const between = new Set(steps.flatMap((edge) => [edge.source, edge.target]).filter((node) => boxless(node)));
  const outer = drawnEdges.filter((edge) => (between.has(edge.source) && nodes[edge.target].kind !== "topic") || (between.has(edge.target) && nodes[edge.source].kind !== "topic"));
  const chosen = [...new Set([...steps, ...outer])];
  const members = [...new Set(chosen.flatMap((edge) => [edge.source, edge.target]))];
  return [
    h("p", { class: "path" }, h("a", { href: "#lineage" }, "Lineage"), ` · ${cluster}`),
    h("h1", {}, of ? of.name : "Topics without a domain"),
    h("p", { class: "lead" }, `${counted(rows.length, "topic")}${of && of.owners.length ? ` of ${of.owners.join(", ")}` : ""}`),
    members.length ? lineageOf(members, chosen, `Lineage of ${name}`) : h("p", { class: "quiet" }, "No lineage of these topics is known."),
    h("h2", {}, "Topics"), topicTable(rows),
  ];
}
const boxless = (place) => !["topic", "dataset"].includes(nodes[place].kind);
