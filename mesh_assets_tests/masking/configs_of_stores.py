"""Configs of connectors for databases, warehouses and clouds, in the form of connector_configs.py."""

DATABASES = r"""
io.confluent.connect.jdbc.JdbcSourceConnector
connection.url=jdbc:postgresql://db.shop:5432/shop?user=app&password=«Pg-9x!w»&sslmode=require
connection.user=app
mode=incrementing
incrementing.column.name=id
topic.prefix=shop-

io.confluent.connect.jdbc.JdbcSinkConnector
connection.url=jdbc:sqlserver://db.shop:1433;databaseName=shop;user=sa;password=«{S;ql}}9}»;encrypt=true
connection.password=«Sql/9@x#1»
pk.mode=record_key
pk.fields=order_id
insert.mode=upsert

io.confluent.connect.jdbc.JdbcSourceConnector
connection.url=jdbc:oracle:thin:scott/«Ti@ger/7»@//ora.shop:1521/ORCL
table.whitelist=ORDERS,USERS
numeric.mapping=best_fit

io.aiven.connect.jdbc.JdbcSinkConnector
connection.url=jdbc:mysql://db.shop:3306/shop?useSSL=true&user=app&password=«My(S)ql'9»
connection.password=«My-Sql-9»
auto.create=true

io.aiven.connect.jdbc.JdbcSourceConnector
connection.url=jdbc:db2://db.shop:50000/SHOP:user=app;password=«Db2=9x»;
db_pwd=«Db2=9x7»
poll.interval.ms=5000

io.debezium.connector.postgresql.PostgresConnector
database.hostname=db.shop
database.user=debezium
database.password=«dbz-Pass.1»
database.sslpassword=«ssl-Pass.2»
database.sslkey=/etc/keys/client.key
slot.name=shop
message.key.columns=public.orders:id

io.debezium.connector.mysql.MySqlConnector
database.password=${file:/etc/secrets.properties:mysql}
database.server.id=184054
schema.history.internal.kafka.bootstrap.servers=kafka:9092
schema.history.internal.producer.sasl.jaas.config=«com.shop.ScramLoginModule required username="app" password="Hist-1";»
schema.history.internal.kafka.topic=history
database.ssl.keystore.password=«Store#1»
database.ssl.keystore=/etc/keys/store.jks

io.debezium.connector.oracle.OracleConnector
database.dbname=ORCL
database.password=«Or@cle_19»
database.pdb.name=PDB1
rac.nodes=ora1:1521,ora2:1521
log.mining.strategy=online_catalog

io.debezium.connector.sqlserver.SqlServerConnector
database.names=shop
database.password=«Strong.Passw0rd»
database.ssl.truststore.password=«Tr-ust»
database.ssl.truststore=/etc/keys/trust.jks

io.debezium.connector.mongodb.MongoDbConnector
mongodb.connection.string=«mongodb://app:Mo/n@go#1@m1:27017,m2:27017/?replicaSet=rs0»
capture.mode=change_streams_update_full
mongodb.password=«Mo/n@go#1»

io.debezium.connector.db2.Db2Connector
database.password=«Db2.Pass»
table.include.list=DB2INST1.ORDERS

io.debezium.connector.vitess.VitessConnector
vitess.keyspace=commerce
database.password=«Vit-ess»
vitess.tablet.type=MASTER

io.debezium.connector.spanner.SpannerConnector
gcp.spanner.project.id=shop-prod
gcp.spanner.credentials.json=«{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\nMIIEsp\n-----END PRIVATE KEY-----\n"}»
gcp.spanner.credentials.path=/etc/keys/spanner.json

io.debezium.connector.jdbc.JdbcSinkConnector
connection.url=jdbc:postgresql://«app:Hib-7»@db.shop/shop
connection.password=«Hib-7»
primary.key.mode=record_key
primary.key.fields=id

com.mongodb.kafka.connect.MongoSourceConnector
connection.uri=mongodb+srv://«app:P/w@r#d!»@cluster0.ab1cd.mongodb.net/?retryWrites=true
database=shop
collection=orders
output.format.key=json
publish.full.document.only=true

com.mongodb.kafka.connect.MongoSinkConnector
connection.uri=mongodb://«sink:s3cret»@m1:27017,m2:27017/shop?authSource=admin
document.id.strategy=com.mongodb.kafka.connect.sink.processor.id.strategy.PartialValueStrategy
document.id.strategy.partial.value.projection.list=order_id

com.datastax.oss.kafka.sink.CassandraSinkConnector
contactPoints=c1,c2
auth.password=«Cass-7»
auth.username=cassandra
ssl.keystore.password=«Key-Store»
ssl.keystore.path=/etc/keys/dse.jks
topic.orders.shop.orders.mapping=order_key=key.id, total=value.total

com.couchbase.connect.kafka.CouchbaseSourceConnector
couchbase.seed.nodes=cb1,cb2
couchbase.password=«Couch-7»
couchbase.bucket=shop
couchbase.trust.certificate.path=/etc/keys/ca.pem

com.scylladb.cdc.debezium.connector.ScyllaConnector
scylla.cluster.ip.addresses=s1:9042
scylla.password=«Scy-lla»
scylla.ssl.truststore.path=/etc/keys/scylla.jks

com.clickhouse.kafka.connect.ClickHouseSinkConnector
hostname=ch.shop
password=«Click.7»
jdbcConnectionProperties=?sslmode=STRICT&password=«Click.8»
exactlyOnce=false

com.snowflake.kafka.connector.SnowflakeSinkConnector
snowflake.url.name=ab12345.snowflakecomputing.com:443
snowflake.user.name=KAFKA
snowflake.private.key=«MIIEvAIBADANBgkqhkiG9w0BAQEFAASC»
snowflake.private.key.passphrase=«Snow-7»
snowflake.database.name=SHOP
snowflake.topic2table.map=orders:ORDERS

com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector
snowflake.authenticator=oauth
snowflake.oauth.client.id=0oa1
snowflake.oauth.client.secret=«oauth-Sec-1»
snowflake.oauth.refresh.token=«ver:1-hint:ab-7»
snowflake.oauth.token.endpoint=https://login.shop/oauth/token

io.confluent.connect.aws.redshift.RedshiftSinkConnector
aws.redshift.domain=shop.redshift.amazonaws.com
aws.redshift.password=«Red.Shift1»
aws.redshift.port=5439

com.wepay.kafka.connect.bigquery.BigQuerySinkConnector
keyfile=«{"type":"service_account","private_key_id":"a1b2","private_key":"-----BEGIN PRIVATE KEY-----\nMIIBq\n"}»
keySource=JSON
kafkaKeyFieldName=kafka_key
sanitizeTopics=true

com.wepay.kafka.connect.bigquery.BigQuerySinkConnector
keyfile=/etc/keys/bigquery.json
keySource=FILE
project=shop
autoCreateTables=true

io.tabular.iceberg.connect.IcebergSinkConnector
iceberg.catalog.uri=https://polaris.shop/api/catalog
iceberg.catalog.credential=«clientid:cl-Sec-7»
iceberg.catalog.oauth2-server-uri=https://polaris.shop/oauth/tokens
iceberg.catalog.s3.secret-access-key=«wJalrXUtnFEMIbPxRfi»
iceberg.tables=shop.orders
"""

CLOUDS = r"""
io.confluent.connect.s3.S3SinkConnector
s3.bucket.name=shop
aws.access.key.id=«AKIAIOSFODNN7EXAMPLE»
aws.secret.access.key=«wJalrXUtnFEMI/K7MDENG»
s3.sse.customer.key=«MDEyMzQ1Njc4OTAxMjM0»
s3.sse.kms.key.id=arn:aws:kms:eu-central-1:111122223333:key/1234abcd
s3.credentials.provider.class=com.amazonaws.auth.DefaultAWSCredentialsProviderChain
flush.size=1000

io.confluent.connect.s3.source.S3SourceConnector
s3.bucket.name=shop
aws.access.key.id=${env:AWS_ID}
aws.secret.access.key=«Zb9/xQ=+7»
s3.poll.interval.ms=60000

io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector
aws.access.key.id=«ASIAQQQQWWWWEEEERRRR»
aws.secret.access.key=«Vb9/xQ=+8»
aws.s3.bucket.name=shop
file.name.template={{topic}}-{{partition}}-{{start_offset}}.gz

io.lenses.streamreactor.connect.aws.s3.sink.S3SinkConnector
connect.s3.aws.access.key=«AKIAABCDEFGHIJKLMNOP»
connect.s3.aws.secret.key=«Lens/Es+1»
connect.s3.aws.auth.mode=Credentials
connect.s3.kcql=INSERT INTO shop:orders SELECT * FROM orders PARTITIONBY _key.id

io.confluent.connect.aws.lambda.AwsLambdaSinkConnector
aws.lambda.function.name=shop-orders
aws.access.key.id=«AKIAZZZZYYYYXXXXWWWW»
aws.secret.access.key=«Lamb/Da+1»
aws.lambda.invocation.type=async

io.confluent.connect.sqs.source.SqsSourceConnector
sqs.url=https://sqs.eu-central-1.amazonaws.com/111122223333/orders
sqs.aws.secret.access.key=«Sqs/Key+1»
sqs.waittime.seconds=20

io.confluent.connect.kinesis.KinesisSourceConnector
kinesis.stream=orders
aws.secret.key.id=«Kin/Esis+1»
kinesis.region=EU_CENTRAL_1

io.confluent.connect.aws.dynamodb.DynamoDbSinkConnector
aws.dynamodb.pk.hash=value.order_id
aws.secret.access.key=«Dyn/Amo+1»
aws.dynamodb.pk.sort=
aws.dynamodb.hash.key=order_id

io.confluent.connect.azure.blob.AzureBlobStorageSinkConnector
azblob.account.name=shop
azblob.account.key=«b64Acc0untKey==»
azblob.container.name=orders
azblob.sas.token=«sv=2022-11-02&ss=b&sig=Q2xvdWQ%3D»

io.confluent.connect.azure.datalake.gen2.AzureDataLakeGen2SinkConnector
azure.datalake.gen2.client.id=11111111-2222-3333-4444-555555555555
azure.datalake.gen2.client.key=«Lake~8Q~key»
azure.datalake.gen2.account.name=shop

com.microsoft.azure.cosmos.kafka.connect.sink.CosmosDBSinkConnector
connect.cosmos.connection.endpoint=https://shop.documents.azure.com:443/
connect.cosmos.master.key=«Cosm0sMasterKey==»
connect.cosmos.databasename=shop
connect.cosmos.containers.topicmap=orders#orders

com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector
aad.auth.appid=11111111-2222-3333-4444-555555555555
aad.auth.appkey=«Kus~8Q~to»
kusto.ingestion.url=https://ingest-shop.kusto.windows.net
kusto.tables.topics.mapping=[{'topic': 'orders','db': 'shop', 'table': 'orders','format': 'json'}]

io.confluent.connect.azure.servicebus.ServiceBusSourceConnector
azure.servicebus.namespace=shop
azure.servicebus.sas.key=«Bus/Key+1=»
azure.servicebus.sas.keyname=RootManageSharedAccessKey
azure.servicebus.entity.name=orders

io.confluent.connect.azure.eventhubs.EventHubsSourceConnector
azure.eventhubs.sas.key=«Hub/Key+1=»
azure.eventhubs.hub.name=orders
azure.eventhubs.connection.string=«Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=x;SharedAccessKey=Hub/Key+1=»

io.confluent.connect.azure.functions.AzureFunctionsSinkConnector
function.url=https://shop.azurewebsites.net/api/orders?code=«Fn-Code-7/a=»
function.key=«Fn-Key-7/a=»
max.batch.size=10

io.confluent.connect.azure.search.AzureSearchSinkConnector
azure.search.service.name=shop
azure.search.api.key=«Srch-1A2B»
key.mode=KAFKA

io.confluent.connect.gcs.GcsSinkConnector
gcs.bucket.name=shop
gcs.credentials.path=/etc/keys/gcs.json
gcs.part.size=5242880

io.confluent.connect.gcp.functions.GoogleCloudFunctionsSinkConnector
gcf.name=orders
gcf.credentials.json=«{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\nMIIfn\n"}»
gcf.region=europe-west3

com.google.pubsub.kafka.source.CloudPubSubSourceConnector
cps.project=shop
cps.subscription=orders
gcp.credentials.json=«{"private_key":"-----BEGIN PRIVATE KEY-----\nMIIps\n"}»
kafka.key.attribute=orderId

com.google.cloud.kafka.connect.bigtable.BigtableSinkConnector
gcp.bigtable.instance.id=shop
gcp.bigtable.credentials.json=«{"private_key":"-----BEGIN PRIVATE KEY-----\nMIIbt\n"}»
row.key.definition=order_id,ts
row.key.delimiter=#

io.confluent.connect.databricks.deltalake.DatabricksDeltaLakeSinkConnector
delta.lake.host.name=dbc-1234.cloud.databricks.com
delta.lake.token=«dapi0123456789abcdef0123456789abcdef»
staging.s3.access.key.id=«AKIADELTADELTADELTA1»
staging.s3.secret.access.key=«Del/Ta+1»
delta.lake.topic2table.map=orders:orders

com.huawei.dms.connector.obs.OBSSinkConnector
obs.ak=«HST7W2AKEXAMPLE»
obs.sk=«obSk+7/example»
obs.bucket.name=shop-orders
obs.part.size=5242880

com.huawei.dms.connector.obs.OBSSinkConnector
obs_ak=«HST7W2AK2»
obs_sk=«obSk-two-2»
obs.security.token=«gQpjbi1ub3J0aC03»

com.shop.baidu.BosSinkConnector
bos.endpoint=https://bj.bcebos.com
bos.ak=«bosAk-0123»
bos.sk=«bosSk-4567»
bos.bucket=shop

com.shop.volcengine.TosSinkConnector
tos.accessKey=«AKLT-tos-7»
tos.securityKey=«sec-tos-8»
tos.region=cn-beijing

com.shop.tencent.CosSinkConnector
cos.secretid=«AKIDz8krbsJ5yKBZQpn74WFkmLPx3»
cos.secretkey=«Gu5t9xGARNpq86cd98joQYCN3»
cos.region=ap-guangzhou
cos.appid=1310000503

com.aliyun.odps.kafka.connect.MaxComputeSinkConnector
access_id=«LTAI5tEx-1»
access_key=«odps-Key-2»
account_type=ALIYUN
project=shop
sts.endpoint=https://sts.aliyuncs.com

com.aliyun.tablestore.kafka.connect.TableStoreSinkConnector
tablestore.access.key.id=«LTAI5tEx-3»
tablestore.access.key.secret=«ots-Sec-4»
tablestore.instance.name=shop
tablestore.primarykey.name=id

io.confluent.connect.aws.dynamodb.DynamoDbSinkConnector
aws.dynamodb.pk.hash=value.id
aws.dynamodb.pk.sort=value.line
aws.secret.access.key=«dyn-Sec-5»
"""
