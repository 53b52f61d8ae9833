"""Configs of connectors as people write them, with every secret between « and ». The secrets are invented.

Each block is one config: the class first, then its keys. Text outside the marks is not secret and must stay readable. `\\n` in
a value is a line break.
"""

from mesh_assets_tests.masking.configs_of_stores import CLOUDS, DATABASES

_HTTP_AND_SEARCH = r"""
io.confluent.connect.snmp.SnmpTrapSourceConnector
v3.security.context.users=snmpuser
v3.snmpuser.auth.password=«Auth-Pw-1»
v3.snmpuser.privacy.password=«Priv-Pw-2»
snmp.community.string=«c0mmun1ty»
snmp.batch.size=50

org.apache.camel.kafkaconnector.telegramsink.CamelTelegramsinkSinkConnector
camel.kamelet.telegram-sink.authorizationToken=«110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5»
camel.kamelet.telegram-sink.chatId=4711

io.lenses.streamreactor.connect.ftp.source.FtpSourceConnector
connect.ftp.address=ftp.shop:21
connect.ftp.user=shop
connect.ftp.pass=«Ftp-77»

com.shop.nats.NatsSourceConnector
nats.url=nats://«app:Na-ts9»@nats.shop:4222
nats.nkey.seed=«SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4»
nats.creds.file=/etc/keys/user.creds
nats.subject=orders.>

io.confluent.connect.http.HttpSinkConnector
http.api.url=https://api.shop/orders?key=«AIzaSyA1234567890abcdefghijklmnopqrstuv»
headers=Content-Type:application/json|Authorization:«Bearer abc.DEF-1»|X-Api-Key:«k-778899»
header.separator=|
auth.type=BASIC
connection.password=«Http:7»
batch.key.pattern=${key}

io.aiven.kafka.connect.http.HttpSinkConnector
http.url=https://hooks.slack.com/services/«T00000000/B00000000/XXXXyyyyZZZZ»
http.authorization.type=static
http.headers.authorization=«Bearer st-Tok-1»
http.headers.content.type=application/json
http.headers.additional=Accept:application/json,X-Shop-Auth:«sh-Tok-2»

io.aiven.kafka.connect.http.HttpSinkConnector
http.authorization.type=oauth2
oauth2.access.token.url=https://login.shop/token
oauth2.client.id=shop
oauth2.client.secret=«oa-Sec-3»
oauth2.client.authorization.mode=header
oauth2.client.scope=orders.write
oauth2.response.token.property=access_token
oauth2.token.ttl=3600

com.github.castorm.kafka.connect.http.HttpSourceConnector
http.request.url=https://api.shop/items
http.request.headers=Authorization: «Basic dXNlcjpwYXNz», Accept: application/json
http.auth.password=«Cas-torm»
http.response.list.pointer=/items
http.timer.interval.millis=30000

io.confluent.connect.http.source.HttpSourceConnector
api1.http.api.path=/orders
api1.http.request.headers=Cookie:«session=ab12;id=7»
oauth2.jwt.keystore.password=«Jwt-Store»
oauth2.token.endpoint=https://login.shop/token
authorization.header.prefix=Bearer
authorization.header.name=Authorization

io.confluent.connect.elasticsearch.ElasticsearchSinkConnector
connection.url=https://«elastic:El/as7»@es.shop:9200
connection.password=«El/as7»
elastic.https.ssl.keystore.location=/etc/keys/es.jks
elastic.https.ssl.keystore.password=«Es-Store»
key.ignore=true

io.aiven.kafka.connect.opensearch.OpensearchSinkConnector
connection.url=https://os.shop:9200
connection.password=«Open-7»
key.ignore.id.strategy=record.key

com.splunk.kafka.connect.SplunkSinkConnector
splunk.hec.uri=https://hec.shop:8088
splunk.hec.token=«11111111-AAAA-4bbb-8ccc-222222222222»
splunk.hec.ssl.validate.certs=true
splunk.hec.max.outstanding.events=10000

com.datadoghq.connect.logs.DatadogLogsSinkConnector
datadog.api_key=«0123456789abcdef0123456789abcdef»
datadog.site=datadoghq.eu
datadog.tags=team:shop

com.newrelic.telemetry.logs.TelemetryLogsSinkConnector
api.key=«NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1»
nr.region=EU

io.confluent.salesforce.SalesforceCdcSourceConnector
salesforce.consumer.key=«3MVG9lKcPoNINVB»
salesforce.consumer.secret=«7412»
salesforce.password=«Sales.1»
salesforce.password.token=«sfTok1»
salesforce.username=kafka@shop.example
salesforce.instance=https://login.salesforce.com

io.confluent.connect.jira.JiraSourceConnector
jira.url=https://shop.atlassian.net
jira.api.token=«ATATT3xFfGF0abcdefghijklmnopqrstuvwxyz»
jira.since=2026-01-01 00:00
jira.tables=issues

io.confluent.connect.github.GithubSourceConnector
github.access.token=«ghp_abcdefghijklmnopqrstuvwxyz0123456789»
github.repositories=apache/kafka
github.service.url=https://api.github.com

io.confluent.connect.servicenow.ServiceNowSinkConnector
servicenow.url=https://shop.service-now.com/
servicenow.password=«Now-7»
servicenow.table=u_orders

io.confluent.connect.zendesk.ZendeskSourceConnector
zendesk.url=https://shop.zendesk.com
zendesk.password=«Zen-7»
zendesk.tables=tickets

io.confluent.connect.pagerduty.PagerDutySinkConnector
pagerduty.api.key=«u+PagerKey1»
webhook.url=«https://events.shop/hook/9f8e7d»
pagerduty.max.retry.time.seconds=10

com.sysco.kafka.connect.SendGridSinkConnector
apiKey=«SG.abcdefghijklmnopqr.stuvwxyz0123456789ABCDEF»
cookie=«sid=98ab76»
bearer=«br-Tok-9»
to=ops@shop.example
"""

_QUEUES_AND_THE_REST = r"""
io.confluent.connect.activemq.ActiveMQSourceConnector
activemq.url=tcp://mq.shop:61616
activemq.password=«Act-7»
jms.destination.name=orders

io.confluent.connect.rabbitmq.RabbitMQSourceConnector
rabbitmq.uri=amqp://«rabbit:Ra/b#7»@mq.shop:5672/shop
rabbitmq.password=«Ra/b#7»
rabbitmq.queue=orders
rabbitmq.routing.key=orders.eu

com.ibm.eventstreams.connect.mqsource.MQSourceConnector
mq.queue.manager=QM1
mq.password=«Mq-Pw-7»
mq.ssl.keystore.password=«Mq-St-7»
mq.ssl.cipher.suite=TLS_AES_128_GCM_SHA256
mq.record.builder.key.header=JMSMessageID

com.solace.connector.kafka.connect.source.SolaceSourceConnector
sol.host=tcps://solace.shop:55443
sol.password=«Sol-7»
sol.ssl_private_key_password=«Sol-Pk»
sol.ssl_key_store=/etc/keys/sol.jks

io.lenses.streamreactor.connect.mqtt.source.MqttSourceConnector
connect.mqtt.hosts=ssl://mqtt.shop:8883
connect.mqtt.password=«Mqtt-7»
connect.mqtt.ssl.key=«-----BEGIN RSA PRIVATE KEY-----\nMIIEmq\n-----END RSA PRIVATE KEY-----»
connect.mqtt.ssl.cert=/etc/keys/client.crt

com.redis.kafka.connect.RedisSinkConnector
redis.uri=redis://«:Re/d#i@s»@redis.shop:6379/0
redis.password=«Re/d#i@s»
redis.key=orders
redis.key.separator=:

com.github.jcustenborder.kafka.connect.twitter.TwitterSourceConnector
twitter.oauth.consumerKey=«tw-Cons-1»
twitter.oauth.consumerSecret=«tw-Sec-1»
twitter.oauth.accessToken=«7-tw-Acc»
twitter.oauth.accessTokenSecret=«tw-Acc-Sec»
filter.keywords=kafka

org.neo4j.connectors.kafka.sink.Neo4jConnector
neo4j.uri=neo4j://graph.shop:7687
neo4j.authentication.type=BASIC
neo4j.authentication.basic.password=«Neo-7»
neo4j.authentication.kerberos.ticket=${vault:secret/neo:ticket}

com.influxdb.kafka.connect.InfluxDBSinkConnector
influxdb.url=https://influx.shop
influxdb.token=«inf-Tok-1==»
influxdb.dbPass=«inf-Pass»
influxdb.bucket=shop

io.confluent.connect.hdfs.HdfsSinkConnector
hdfs.url=hdfs://namenode:8020
hdfs.authentication.kerberos=true
connect.hdfs.principal=connect@SHOP
connect.hdfs.keytab=/etc/keys/connect.keytab
hive.integration=false

io.confluent.connect.sftp.SftpCsvSourceConnector
sftp.host=files.shop
sftp.password=«Sf-tp7»
tls.private.key=«-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----»
tls.passphrase=«Sf-Ph7»
input.file.pattern=.*\.csv

org.apache.kafka.connect.mirror.MirrorSourceConnector
source.cluster.alias=eu
source.cluster.bootstrap.servers=kafka-eu:9092
source.cluster.sasl.jaas.config=«org.apache.kafka.common.security.plain.PlainLoginModule required username="k" password="Mirr-1";»
target.cluster.ssl.keystore.key=«-----BEGIN PRIVATE KEY-----\nMIIEmi\n-----END PRIVATE KEY-----»
target.cluster.ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\nMIIDca\n-----END CERTIFICATE-----
topics=orders.*

io.confluent.connect.replicator.ReplicatorSourceConnector
src.kafka.sasl.jaas.config=«org.apache.kafka.common.security.plain.PlainLoginModule required password='Repl-1';»
src.key.converter=io.confluent.connect.replicator.util.ByteArrayConverter
confluent.license=«eyJhbGciOiJub25lIn0.eyJpc3MiOiJDb25mbHVlbnQifQ.c2ln»
confluent.topic.replication.factor=3

io.confluent.kafka.connect.datagen.DatagenConnector
quickstart=users
kafka.topic=users
tokens.max=8
transforms=maskToken,encrypt
transforms.maskToken.type=org.apache.kafka.connect.transforms.MaskField$Value
transforms.maskToken.fields=token,password
transforms.encrypt.type=com.shop.kafka.EncryptField$Value
transforms.encrypt.encryption.key=«enc-Key-16bytes!»
transforms.encrypt.hmac.key=«hm-Key-1»
transforms.encrypt.pem.key=«MIIBpem1»

com.shop.kafka.InvoiceSourceConnector
signing.key=«sgn-Key-1»
subscription.key=«sub-Key-2»
master.key=«mst-Key-3»
customer.key=«cst-Key-4»
consumer_key=«con-Key-5»
pwd=«pw-6»
partition.key=order_id
private.key.path=/etc/keys/invoice.pem
value.converter=io.confluent.connect.avro.AvroConverter
value.converter.basic.auth.credentials.source=USER_INFO
value.converter.basic.auth.user.info=«SRKEY:sr-Sec-9»
value.converter.schema.registry.url=https://registry.shop

com.shop.kafka.AuditSinkConnector
init.sql=CREATE USER audit IDENTIFIED BY «'Aud''it-1'» QUOTA 10M
options={"endpoint":"https://audit.shop","password":"«Au\"dit-2»","retries":3}
command=audit --password «Aud-3» --verbose
blob.url=https://shop.blob.core.windows.net/audit?sv=2022-11-02&se=2027-01-01&sig=«Sg%2B7abc%3D»
note=sent with Authorization: Bearer «tok-En.77» to the audit
"""


def _parsed(blocks: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for block in blocks.strip().split("\n\n"):
        connector_class, *lines = block.splitlines()
        pairs = (line.partition("=") for line in lines)
        found.append((connector_class, {key: value.replace("\\n", "\n") for key, _, value in pairs}))
    return found


CONFIGS = [
    *_parsed(DATABASES),
    *_parsed(CLOUDS),
    *_parsed(_HTTP_AND_SEARCH),
    *_parsed(_QUEUES_AND_THE_REST),
]
"""Class, and config with marks."""
