import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;

/**
 * One of Kafka's own clients, which does what the lines of its input say and answers each with a line of JSON. Before them come the client's
 * properties and an empty line. `read` tells everything, `topics-and-groups` a
 * part; `grant MARK`, `live MARK` and `crowd MARK NUMBER` make what
 * is taken back when the input ends.
 */
public class Program {
    private static final String READY = "ready";

    public static void main(String[] arguments) {
        try {
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
            obey(input, properties(input));
        } catch (Throwable error) {
            error.printStackTrace();
            System.exit(1); // otherwise the members of groups would continue
        }
    }

    private static void obey(BufferedReader input, Properties properties) throws Exception {
        ObjectMapper json = new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);
        Deque<AutoCloseable> made = new ArrayDeque<>();
        try (Admin admin = Admin.create(properties)) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                String[] words = line.split(" ");
                Object answer = READY;
                switch (words[0]) {
                    case "read" -> answer = new Reading(admin).told(true);
                    case "topics-and-groups" -> answer = new Reading(admin).told(false);
                    case "grant" -> {
                        Access access = new Access(admin, words[1]);
                        access.change(true);
                        made.push(access);
                    }
                    case "live" -> {
                        Living living = new Living(admin, properties, words[1]);
                        living.begin();
                        made.push(living);
                    }
                    case "crowd" -> {
                        Crowd crowd = new Crowd(admin, properties, words[1], Integer.parseInt(words[2]));
                        crowd.make();
                        made.push(crowd);
                    }
                    default -> throw new IllegalArgumentException("expected read, topics-and-groups, grant, live or crowd, not " + line);
                }
                System.out.println(json.writeValueAsString(answer));
            }
            for (AutoCloseable one : made) {
                one.close();
            }
        }
    }

    /** They hold passwords, which must not be in a file or on a command line. */
    private static Properties properties(BufferedReader input) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (String line = input.readLine(); line != null && !line.isEmpty(); line = input.readLine()) {
            lines.append(line).append('\n');
        }
        Properties properties = new Properties();
        properties.load(new StringReader(lines.toString()));
        return properties;
    }
}
