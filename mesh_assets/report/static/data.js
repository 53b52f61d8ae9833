// The page's data: rows as objects, and how one leads to another.

const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (one) => one.charCodeAt(0));
const page = JSON.parse(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
const data = Object.fromEntries(
  Object.entries(page.tables).map(([name, rows]) => {
    const columns = page.columns[name];
    return [name, rows.map((row, place) => {
      const one = { place };
      columns.forEach((column, at) => {
        if (column.endsWith("_text")) one[column.slice(0, -5)] = row[at] < 0 ? null : page.texts[row[at]];
        else one[column] = row[at];
      });
      return one;
    })];
  }),
);
page.tables = null; // the rows exist once

const { clusters, topics, connectors, schemas, groups, reads, nodes, edges, findings, changes, domains, entities, profiles } = data;

const clusterName = (one) => (one.cluster < 0 ? null : clusters[one.cluster].name);
for (const node of nodes) if (node.topic >= 0) node.name = topics[node.topic].name;

function grouped(rows, keyOf) {
  const found = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (found.has(key)) found.get(key).push(row);
    else found.set(key, [row]);
  }
  return found;
}

// A name is unique only within its cluster and kind.
const named = (cluster, name) => `${cluster}\n${name}`;
const KINDS = {
  topic: { rows: topics, title: "Topic", name: (one) => one.name, resource: "topic" },
  connector: { rows: connectors, title: "Connector", name: (one) => one.name, resource: "connector" },
  schema: { rows: schemas, title: "Subject", name: (one) => one.subject, resource: "schema" },
  group: { rows: groups, title: "Consumer group", name: (one) => one.name, resource: "consumer_group" },
};
for (const kind of Object.values(KINDS)) kind.byName = grouped(kind.rows, (one) => named(clusterName(one), kind.name(one)));

const profileOfTopic = new Map(profiles.map((one) => [one.topic, one]));
const readsOfTopic = grouped(reads, (one) => one.topic);
const readsOfGroup = grouped(reads, (one) => one.group);
const edgesFrom = grouped(edges, (one) => one.source);
const edgesTo = grouped(edges, (one) => one.target);
const nodeOfTopic = new Map(nodes.filter((one) => one.topic >= 0).map((one) => [one.topic, one.place]));
const findingsOf = grouped(findings, (one) => `${one.resource_type}\n${named(one.cluster, one.resource)}`);
// Those of a connector that shares its name belong to one Connect endpoint.
const findingsAbout = (kind, row) => (findingsOf.get(`${KINDS[kind].resource}\n${named(row.cluster, KINDS[kind].name(row))}`) ?? [])
  .filter((one) => one.connect === null || one.connect === row.connect);
const changesOf = grouped(changes, (one) => `${one.resource_type}\n${named(one.cluster, one.resource)}`);
const topicsOfSchema = new Map();
for (const topic of topics) {
  for (const [schema, role] of topic.subjects) {
    if (!topicsOfSchema.has(schema)) topicsOfSchema.set(schema, []);
    topicsOfSchema.get(schema).push([topic, role]);
  }
}
const entitiesOfTopic = new Map();
for (const entity of entities) {
  for (const use of entity.uses) {
    if (!entitiesOfTopic.has(use[0])) entitiesOfTopic.set(use[0], []);
    entitiesOfTopic.get(use[0]).push([entity, use]);
  }
}

// A lineage node's name elsewhere in the page: [kind, rows], without rows for things that only lineage knows.
function rowOfNode(node) {
  if (node.topic >= 0) return ["topic", topics[node.topic]];
  const kind = { connector: "connector", application: "group", topic: "topic" }[node.kind];
  if (kind === undefined) return [null, null];
  const found = KINDS[kind].byName.get(named(clusterName(node), node.name)) ?? [];
  return [kind, found.find((one) => kind !== "connector" || one.connect === node.namespace) ?? null];
}

function nodeOfRow(kind, row) {
  if (kind === "topic") return nodeOfTopic.get(row.place) ?? null;
  const wanted = { connector: "connector", group: "application" }[kind];
  const found = nodes.find((node) => node.kind === wanted && node.cluster === row.cluster && node.name === row.name
    && (kind !== "connector" || node.namespace === row.connect));
  return found === undefined ? null : found.place;
}
