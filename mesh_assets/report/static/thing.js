// The page of one thing: above all a topic, but also a connector, subject, group or something only lineage knows.

function thing(kind, cluster, name, connect) {
  if (cluster === undefined) return VIEWS[`${kind}s`]();
  const rows = KINDS[kind].byName.get(named(cluster, name)) ?? [];
  const row = rows.find((one) => connect === undefined || one.connect === connect);
  if (!row) {
    return [h("h1", {}, KINDS[kind].title, " ", nameOf(name)),
      h("p", {}, `The newest inventory of ${cluster} has no such ${KINDS[kind].title.toLowerCase()}. It may be gone, or the estate's patterns may leave it out.`)];
  }
  const found = findingsAbout(kind, row);
  const changed = changesOf.get(`${KINDS[kind].resource}\n${named(row.cluster, name)}`) ?? [];
  const place = kind === "schema" ? null : nodeOfRow(kind, row);
  return [
    h("p", { class: "path" }, h("a", { href: address(`${kind}s`) }, `${KINDS[kind].title}s`), ` · ${cluster}`),
    h("h1", {}, nameOf(name)),
    row.error && h("p", { class: "notice" }, `Not all of it could be read: ${row.error}`),
    found.length > 0 && findingList(found),
    ...{ topic: topicFacts, connector: connectorFacts, schema: schemaFacts, group: groupFacts }[kind](row),
    ...(kind === "topic" ? topicParts(row, place) : []),
    ...(kind === "topic" ? quality(profileOfTopic.get(row.place)) : []),
    ...(kind === "schema" ? [] : [h("h2", {}, "Lineage around it"), place === null
      ? h("p", { class: "quiet" }, "Lineage does not know it: nothing is known to feed it or to read it.") : lineageAround(place)]),
    ...(kind === "topic" ? relationships(row) : []),
    h("h2", {}, `Changes since ${moment(page.since)}`),
    changed.length ? changeTable(changed) : h("p", { class: "quiet" }, "None is known."),
  ];
}

const findingList = (rows) => h("div", { class: "kinds" }, rows.map((one) => h("article", { class: `kind ${one.severity}` },
  h("h3", {}, tag(one.severity), ` ${words(one.kind)}`, one.muted !== null && h("span", { class: "quiet" }, ` muted: ${one.muted}`)),
  h("p", {}, one.sentence), evidence(one),
  h("p", { class: "advice" }, prose(page.advice[one.kind])),
  h("p", { class: "quiet" }, "Since ", orUnknown(one.since, moment)))));

function topicFacts(topic) {
  return [facts([
    ["Partitions", number(topic.partitions)], ["Replicas", number(topic.replication)], ["Records", recordsOf(topic)],
    ["Records/s in", orUnknown(topic.records_in, number)], ["Size", orUnknown(topic.bytes, bytes)],
    ["Cleanup", orUnknown(topic.cleanup)], ["Domain", domainLink(topic)], topic.internal ? ["Internal", "yes"] : null,
  ]),
  topic.reason && h("p", { class: "quiet" }, `Domain: ${topic.reason}`),
  topic.config === null ? h("p", {}, "Configs: ", unknown()) : Object.keys(topic.config).length === 0 ? null
    : h("details", {}, h("summary", {}, `${counted(Object.keys(topic.config).length, "config")} set on the topic itself`),
      table("Configs", Object.entries(topic.config), [{ title: "Config", value: (one) => one[0], show: (one) => nameOf(one[0]) },
        { title: "Value", value: (one) => one[1], show: (one) => (one[1] === null ? h("span", { class: "quiet" }, "hidden") : nameOf(one[1])) }], { noun: "config" }))];
}

function topicParts(topic, place) {
  const writers = place === null ? [] : (edgesTo.get(place) ?? []);
  const readers = place === null ? [] : (edgesFrom.get(place) ?? []).filter((edge) => nodes[edge.target].kind !== "application");
  const isRead = readsOfTopic.get(topic.place) ?? [];
  return [
    h("h2", {}, "Who writes it"),
    writers.length ? edgeTable(writers, "target") : h("p", { class: "quiet" }, "No connector, statement, ksqlDB query or mirror is known to. Kafka keeps no list of other producers."),
    h("h2", {}, "Who reads it"),
    isRead.length ? readTable(isRead, "group") : h("p", { class: "quiet" }, "No consumer group is known to. Consumers without a group are not seen."),
    readers.length > 0 && edgeTable(readers, "source"),
    h("h2", {}, "Schemas"),
    ...(topic.subjects.length ? topic.subjects.flatMap(([schema, role]) => [
      h("h3", {}, link("schema", schemas[schema]), h("span", { class: "quiet" }, ` describes the ${role}; version ${number(schemas[schema].version)}`)),
      fieldTable(schemas[schema]),
    ]) : [h("p", { class: "quiet" }, "No subject is known to describe its records.")]),
  ];
}

// What the newest sample showed about the topic's records: figures, never values.
function quality(found) {
  if (found === undefined) return [];
  const share = (part) => `${number(Math.round(part * 1000) / 10)} %`;
  return [
    h("h2", {}, "Data quality"),
    found.error && h("p", { class: "notice" }, found.error),
    facts([["Sampled", `${counted(found.records, "record")} of ${counted(found.partitions, "partition")}`], ["At", moment(found.taken_at)],
      ["Format", orUnknown(found.format)], ["Decoded", orUnknown(found.decoded, share)], ["Without key", orUnknown(found.null_keys, share)],
      ["Repeated keys", orUnknown(found.duplicate_keys, share)], ["Tombstones", orUnknown(found.tombstones, share)],
      found.latest_schema === null ? null : ["Latest schema", share(found.latest_schema)],
      ["Newest record", found.age_seconds === null ? unknown() : `${duration(found.age_seconds)} old`],
      ["Usual gap", orUnknown(found.usual_gap_seconds, duration)]]),
    found.faults.length > 0 && h("ul", {}, found.faults.map(([kind, sentence]) => h("li", {}, h("b", {}, words(kind)), `: ${sentence}`))),
    found.inferred === 1 && h("p", { class: "quiet" }, "No schema describes the values: these are the fields that the sample shows."),
    found.fields.length > 0 && table("Fields of the sample", found.fields, [
      { title: "Field", value: (one) => one[0], show: (one) => nameOf(one[0]) }, { title: "Types", value: (one) => one[1] },
      { title: "Complete", numeric: true, value: (one) => one[2], show: (one) => (one[2] === null ? "–" : share(one[2])) },
      { title: "Different values", numeric: true, value: (one) => one[3], show: (one) => (one[3] === null ? "–" : number(one[3])) },
      { title: "Looks personal", value: (one) => one[4], show: (one) => one[4] || "–" }], { noun: "field" }),
    found.fields_left_out > 0 && h("p", { class: "quiet" }, `${counted(found.fields_left_out, "more field")} are not in this page.`),
  ];
}

function fieldTable(schema) {
  if (schema.fields === null) return h("p", { class: "notice" }, `Its fields are unknown: ${schema.note}`);
  const rows = schema.fields.map((place) => page.fields[place]);
  return h("div", {},
    table(`Fields of ${schema.subject}`, rows, [{ title: "Field", value: (one) => one[0], show: (one) => nameOf(one[0]) },
      { title: "Type", value: (one) => one[1], show: (one) => nameOf(one[1]) },
      { title: "May be missing or null", value: (one) => (one[2] ? "yes" : "no") }], { noun: "field" }),
    schema.fields_left_out > 0 && h("p", { class: "quiet" }, `${counted(schema.fields_left_out, "more field")} are not in this page.`),
    schema.note && h("p", { class: "quiet" }, schema.note));
}

// What groups read, seen from the topic (`other` is group) or from the group.
function readTable(rows, other) {
  const first = other === "group"
    ? { title: "Group", value: (one) => groups[one.group].name, show: (one) => link("group", groups[one.group]) }
    : { title: "Topic", value: (one) => (one.topic < 0 ? one.name : topics[one.topic].name), show: (one) => (one.topic < 0 ? nameOf(one.name) : link("topic", topics[one.topic])) };
  return table("Reading", rows, [
    first,
    ...(other === "group" ? [{ title: "State", value: (one) => groups[one.group].state }, { title: "Members", numeric: true, value: (one) => groups[one.group].members, show: (one) => orUnknown(groups[one.group].members, number) }] : []),
    { title: "Lag, records", numeric: true, value: (one) => one.lag, show: (one) => orUnknown(one.lag, number) },
    { title: "Lag, time", numeric: true, value: (one) => one.lag_seconds, show: (one) => orUnknown(one.lag_seconds, duration) },
    { title: "Lost records", numeric: true, value: (one) => one.lost, show: (one) => orUnknown(one.lost, number) },
    { title: "Retention used", numeric: true, value: (one) => one.retention_used, show: (one) => orUnknown(one.retention_used, (part) => `${number(part)} %`) },
    { title: "Note", kind: "w", value: (one) => one.note ?? "", show: (one) => one.note ?? "–" },
  ], { noun: other });
}

function relationships(topic) {
  const found = entitiesOfTopic.get(topic.place) ?? [];
  return [h("h2", {}, "Shares keys with"), found.length ? table("Relationships", found, [
    { title: "Thing", value: ([entity]) => entity.name },
    { title: "Field here", value: ([, use]) => use[1], show: ([, use]) => [nameOf(use[1]), use[2] ? h("span", { class: "quiet" }, " of the key") : null] },
    { title: "Topics with it", value: ([entity]) => entity.uses.length, show: ([entity]) => sharers(entity, topic) },
    { title: "Why", kind: "w", value: ([entity]) => entity.reason },
  ], { noun: "relationship" }) : h("p", { class: "quiet" }, "No key in its schemas is known to be shared with another topic.")];
}
function sharers(entity, topic) {
  const others = [...new Set(entity.uses.map((use) => use[0]))].filter((one) => one >= 0 && one !== topic.place);
  return [...others.slice(0, 12).map((one) => h("div", {}, link("topic", topics[one]))), others.length > 12 && h("div", { class: "quiet" }, `and ${number(others.length - 12)} more`)];
}

const connectorFacts = (one) => [
  facts([["State", one.status], ["Type", one.type], ["Tasks", number(one.tasks)], ["Failed tasks", number(one.failed_tasks)],
    ["Connect", one.connect], ["Records/s in", orUnknown(one.records_in, number)], ["Records/s out", orUnknown(one.records_out, number)]]),
  h("p", {}, "Class ", one.class === null ? unknown() : nameOf(one.class)),
  one.note && h("p", { class: "notice" }, `Its topics may be incomplete: ${one.note}`),
  one.trace && h("h2", {}, "Trace"), one.trace && h("pre", { class: "trace", tabindex: "0" }, one.trace)];

const schemaFacts = (one) => [
  facts([["Version", number(one.version)], ["Id", String(one.id)], ["Type", one.type],
    ["Compatibility", [orUnknown(one.compatibility), one.inherited === 1 ? " (the registry's)" : ""]], ["Owner", one.owner ?? h("span", { class: "quiet" }, "none named")]]),
  h("h2", {}, "Topics it describes"),
  topicsOfSchema.has(one.place) ? h("ul", { class: "plain" }, topicsOfSchema.get(one.place).map(([topic, role]) => h("li", {}, link("topic", topic), h("span", { class: "quiet" }, ` ${role}`))))
    : h("p", { class: "quiet" }, "None is known."),
  h("h2", {}, "Fields"), fieldTable(one)];

const groupFacts = (one) => [
  facts([["State", one.state], ["Type", one.type], ["Members", orUnknown(one.members, number)], ["Lag, records", lagOf(one)], ["Lag, time", lagTime(one)], ["Lost records", orUnknown(one.lost, number)]]),
  h("h2", {}, "What it reads"), readTable(readsOfGroup.get(one.place) ?? [], "topic")];

function nodePage(place) {
  const node = nodes[place];
  if (!node) return [h("h1", {}, "No such thing in this page")];
  return [h("p", { class: "path" }, [whatOf(node), clusterName(node)].filter(Boolean).join(" · ")), h("h1", {}, nameOf(fullName(node))), lineageAround(place)];
}

function lineageAround(place) {
  const { edges: chosen, more } = around(place, 3);
  const { note } = nodes[place];
  const members = [...new Set([place, ...chosen.flatMap((edge) => [edge.source, edge.target])])];
  return h("div", {},
    note && h("p", { class: "notice" }, `Edges may be missing: ${note}`),
    chosen.length ? lineageOf(members, chosen, "Lineage around it", place) : h("p", { class: "quiet" }, "Nothing is known to feed it or to read it."),
    more && h("p", { class: "quiet" }, "There is more beyond three steps: follow a box."));
}
