import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;

/**
 * Changes what a test cannot change otherwise. Arguments: brokers, "user" and a name or "brokers" and a blank text, the
 * setting, and its value; without a value it is reset.
 */
public final class Configure {
  public static void main(String[] arguments) throws Exception {
    var settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    String name = arguments[3];
    String value = arguments.length > 4 ? arguments[4] : null;
    try (var admin = Admin.create(settings)) {
      var all =
          arguments[1].equals("user") ? quota(admin, arguments[2], name, value) : setting(admin, name, value);
      all.get(60, TimeUnit.SECONDS);
    }
  }

  private static KafkaFuture<Void> quota(Admin admin, String user, String name, String value) {
    var entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, user));
    var change = new ClientQuotaAlteration.Op(name, value == null ? null : Double.valueOf(value));
    return admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(change)))).all();
  }

  private static KafkaFuture<Void> setting(Admin admin, String name, String value) {
    var operation = value == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET;
    var change = new AlterConfigOp(new ConfigEntry(name, value), operation);
    var brokers = new ConfigResource(ConfigResource.Type.BROKER, "");
    return admin.incrementalAlterConfigs(Map.of(brokers, Collections.singletonList(change))).all();
  }
}
