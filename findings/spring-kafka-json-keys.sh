#!/usr/bin/env bash
# What becomes of a JSON key, and of dates, when Spring's JsonSerializer is replaced by JacksonJsonSerializer, as Spring for Apache
# Kafka 4.0 asks: other bytes, so another partition. One would expect the same JSON from the same object.
#
# Seen with spring-kafka 4.1.2, which has both, Jackson 2.21.2 and 3.1.0, none of them configured:
#
#                           JsonSerializer (Jackson 2)            JacksonJsonSerializer (Jackson 3)
#   a key                   {"region":"eu","customer":17}         {"customer":17,"region":"eu"}
#   its partition of 12     10                                    11
#   LocalDate               [2026,11,30]                          "2026-11-30"
#   Instant                 1795996800.000000000                  "2026-11-30T00:00:00Z"
#   Duration                90.000000000                          "PT1M30S"
#
# Jackson 3 sorts properties by name and writes times as text unless told otherwise. So after the upgrade, records of one customer are
# in two partitions, out of order; a compacted topic keeps the last record of both keys, and a tombstone deletes neither of
# the old ones; a state store of Kafka Streams finds nothing under what it wrote before. Consumers in other languages get text
# where there was a list or a number. A mapper with SORT_PROPERTIES_ALPHABETICALLY and WRITE_DATES_AS_TIMESTAMPS set as before
# avoids it; records (`record Key(…)`) keep their order.
#
# Needs a JDK of 17 or newer and Maven. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.springframework.kafka</groupId><artifactId>spring-kafka</artifactId><version>4.1.2</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.21.2</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.datatype</groupId><artifactId>jackson-datatype-jsr310</artifactId><version>2.21.2</version></dependency>
    <dependency><groupId>tools.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>3.1.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
ls jars | grep -E '^(spring-kafka|jackson-databind)-'
cat > Keys.java <<'JAVA'
import java.nio.charset.StandardCharsets;
import java.time.*;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.serialization.Serializer;
import org.springframework.kafka.support.serializer.*;

public class Keys {
    public static class Key {
        private final String region = "eu";
        private final int customer = 17;

        public String getRegion() { return region; }

        public int getCustomer() { return customer; }
    }

    public record RecordKey(String region, int customer) {}

    @SuppressWarnings("removal")
    static Serializer<Object> earlier() { return new JsonSerializer<>(); }

    static void check(String name, Object value, String before, String after) {
        String[] expected = {before, after};
        Serializer<?>[] serializers = {earlier(), new JacksonJsonSerializer<Object>()};
        for (int at = 0; at < 2; at++) {
            @SuppressWarnings("unchecked") byte[] data = ((Serializer<Object>) serializers[at]).serialize("orders", value);
            String found = new String(data, StandardCharsets.UTF_8);
            System.out.printf("%-12s %-22s %s, partition %d of 12%n", name, serializers[at].getClass().getSimpleName(), found,
                BuiltInPartitioner.partitionForKey(data, 12));
            if (!found.equals(expected[at])) throw new AssertionError("this has changed: expected " + expected[at]);
        }
    }

    public static void main(String[] arguments) {
        String declared = "{\"region\":\"eu\",\"customer\":17}", sorted = "{\"customer\":17,\"region\":\"eu\"}";
        check("a key", new Key(), declared, sorted);
        check("a record", new RecordKey("eu", 17), declared, declared);
        check("LocalDate", LocalDate.of(2026, 11, 30), "[2026,11,30]", "\"2026-11-30\"");
        check("Instant", Instant.parse("2026-11-30T00:00:00Z"), "1795996800.000000000", "\"2026-11-30T00:00:00Z\"");
        check("Duration", Duration.ofSeconds(90), "90.000000000", "\"PT1M30S\"");
    }
}
JAVA
java -cp 'jars/*' Keys.java
