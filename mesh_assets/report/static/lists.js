// The views that are tables: topics, connectors, schemas, groups, findings, changes, and what a search finds.

const COLUMN = {
  cluster: { title: "Cluster", value: clusterName, filter: true },
  severity: { title: "Severity", value: (one) => one.severity, show: (one) => tag(one.severity), filter: true },
};
const withCluster = (columns) => (clusters.length > 1 ? [...columns, COLUMN.cluster] : columns);
const findingsFor = (kind, row) => findingsAbout(kind, row).filter((one) => one.muted === null);
const problems = (kind) => ({
  title: "Findings", numeric: true, value: (row) => findingsFor(kind, row).length,
  show: (row) => {
    const [worst] = findingsFor(kind, row);
    return worst ? tag(worst.severity, `${findingsFor(kind, row).length} ${worst.severity}`) : "–";
  },
});

function topicTable(rows, label = "Topics") {
  return table(label, rows, withCluster([
    { title: "Topic", value: (one) => one.name, show: (one) => link("topic", one) },
    { title: "Domain", value: (one) => (one.domain < 0 ? null : domains[one.domain].name), show: domainLink, filter: true },
    { title: "Partitions", numeric: true, value: (one) => one.partitions, show: (one) => number(one.partitions) },
    { title: "Replicas", numeric: true, value: (one) => one.replication, show: (one) => number(one.replication) },
    { title: "Records", numeric: true, value: (one) => one.message_count, show: recordsOf },
    { title: "Records/s in", numeric: true, value: (one) => one.records_in, show: (one) => orUnknown(one.records_in, number) },
    { title: "Cleanup", value: (one) => one.cleanup, filter: true },
    { title: "Read by", numeric: true, value: (one) => readsOfTopic.get(one.place)?.length ?? 0, show: (one) => number(readsOfTopic.get(one.place)?.length ?? 0) },
    problems("topic"),
  ]), { noun: "topic" });
}
const domainLink = (topic) => (topic.domain < 0 ? h("span", { class: "quiet" }, "none")
  : h("a", { href: address("domain", clusterName(topic), domains[topic.domain].name) }, domains[topic.domain].name));

function connectorTable(rows) {
  return table("Connectors", rows, withCluster([
    { title: "Connector", value: (one) => one.name, show: (one) => link("connector", one) },
    { title: "Type", value: (one) => one.type, filter: true },
    { title: "State", value: (one) => one.status, filter: true },
    { title: "Tasks", numeric: true, value: (one) => one.tasks, show: (one) => number(one.tasks) },
    { title: "Failed tasks", numeric: true, value: (one) => one.failed_tasks, show: (one) => number(one.failed_tasks) },
    { title: "Class", value: (one) => one.class, kind: "w" },
    { title: "Connect", value: (one) => one.connect, filter: true },
    problems("connector"),
  ]), { noun: "connector" });
}

function schemaTable(rows) {
  return table("Schemas", rows, withCluster([
    { title: "Subject", value: (one) => one.subject, show: (one) => link("schema", one) },
    { title: "Type", value: (one) => one.type, filter: true },
    { title: "Version", numeric: true, value: (one) => one.version, show: (one) => number(one.version) },
    { title: "Compatibility", value: (one) => one.compatibility, filter: true },
    { title: "Fields", numeric: true, value: fieldCount, show: (one) => orUnknown(fieldCount(one), number) },
    { title: "Topics", numeric: true, value: (one) => topicsOfSchema.get(one.place)?.length ?? 0, show: (one) => number(topicsOfSchema.get(one.place)?.length ?? 0) },
    problems("schema"),
  ]), { noun: "subject" });
}
const fieldCount = (schema) => (schema.fields === null ? null : schema.fields.length + schema.fields_left_out);

function groupTable(rows) {
  return table("Consumer groups", rows, withCluster([
    { title: "Group", value: (one) => one.name, show: (one) => link("group", one) },
    { title: "State", value: (one) => one.state, filter: true },
    { title: "Type", value: (one) => one.type, filter: true },
    { title: "Members", numeric: true, value: (one) => one.members, show: (one) => orUnknown(one.members, number) },
    { title: "Topics", numeric: true, value: (one) => readsOfGroup.get(one.place)?.length ?? 0, show: (one) => number(readsOfGroup.get(one.place)?.length ?? 0) },
    { title: "Lag, records", numeric: true, value: (one) => one.lag, show: lagOf },
    { title: "Lag, time", numeric: true, value: (one) => one.lag_seconds, show: lagTime },
    { title: "Lost records", numeric: true, value: (one) => one.lost, show: (one) => orUnknown(one.lost, number) },
    problems("group"),
  ]), { noun: "group" });
}

function findingTable(rows, kind = "") {
  return table("Findings", rows, withCluster([
    { title: "Resource", value: (one) => one.resource, show: (one) => linkByName(one.resource_type, one.cluster, one.resource, one.connect) },
    COLUMN.severity,
    { title: "Kind", value: (one) => one.kind, show: (one) => words(one.kind), filter: true },
    { title: "What is wrong", kind: "w", value: (one) => one.sentence, show: (one) => [h("div", {}, one.sentence), evidence(one)] },
    { title: "What to do", kind: "w", value: (one) => page.advice[one.kind], show: (one) => prose(page.advice[one.kind]) },
    { title: "Since", kind: "t", value: (one) => one.since, show: (one) => orUnknown(one.since, moment) },
    ...(rows.some((one) => one.muted !== null) ? [{ title: "Muted", value: (one) => (one.muted === null ? "no" : "yes"), show: (one) => one.muted ?? "–", filter: true }] : []),
  ]), { noun: "finding", chosen: { Kind: kind, Muted: rows.some((one) => one.muted === null) ? "no" : "" } });
}

function changeTable(rows) {
  return table("Changes", rows, withCluster([
    { title: "When", kind: "t", value: (one) => one.at, show: (one) => moment(one.at) },
    { title: "Kind", value: (one) => one.kind, filter: true },
    { title: "Of", value: (one) => one.resource_type, show: (one) => words(one.resource_type), filter: true },
    { title: "Resource", value: (one) => one.resource, show: (one) => linkByName(one.resource_type, one.cluster, one.resource) },
    { title: "Change", kind: "w", value: (one) => one.sentence },
    COLUMN.severity,
  ]), { noun: "change" });
}

// `of`: the end that all rows share and that is therefore left out.
function edgeTable(rows, of = null) {
  const end = (side) => ({ title: side === "source" ? "From" : "To", value: (edge) => fullName(nodes[edge[side]]),
    show: (edge) => [h("a", { class: "name", href: hrefOfNode(nodes[edge[side]]) }, fullName(nodes[edge[side]])), h("div", { class: "quiet" }, whatOf(nodes[edge[side]]))] });
  return table("Edges", rows, [
    ...["source", "target"].filter((side) => side !== of).map(end),
    { title: "Known", value: (edge) => edge.known, filter: true },
    { title: "What flows", value: (edge) => words(edge.purpose), filter: true },
    { title: "Flows now", value: (edge) => (edge.active === null ? null : edge.active ? "yes" : "no") },
    { title: "Evidence", kind: "w", value: (edge) => edge.by },
  ], { noun: "edge" });
}

const leftOut = (what, how) => page.left_out[what] > 0 && h("p", { class: "notice" },
  `${number(page.left_out[what])} more are not in this page: `, prose(how));

function searched(text) {
  const wanted = text.toLowerCase();
  const found = Object.entries(KINDS).map(([kind, of]) => [kind, of.rows.filter((row) => of.name(row).toLowerCase().includes(wanted))]);
  const outside = nodes.filter((node) => ["dataset", "function", "statement"].includes(node.kind) && fullName(node).toLowerCase().includes(wanted));
  const tables = { topic: topicTable, connector: connectorTable, schema: schemaTable, group: groupTable };
  const total = found.reduce((sum, [, rows]) => sum + rows.length, outside.length);
  return [
    h("h1", {}, `Found by “${text}”`),
    h("p", { class: "lead" }, total ? `${counted(total, "thing")} with it in the name` : "Nothing has it in its name: topics, connectors, subjects, groups, tables, functions and statements were searched."),
    ...found.filter(([, rows]) => rows.length).flatMap(([kind, rows]) => [h("h2", {}, `${KINDS[kind].title}s`), tables[kind](rows)]),
    ...(outside.length ? [h("h2", {}, "In lineage only"), nodeTable(outside)] : []),
  ];
}
const nodeTable = (rows) => table("Things in the lineage", rows, [
  { title: "Name", value: fullName, show: (node) => h("a", { class: "name", href: hrefOfNode(node) }, fullName(node)) },
  { title: "What", value: whatOf, filter: true },
  { title: "Cluster", value: (node) => clusterName(node) ?? "of none" },
], { noun: "thing" });
