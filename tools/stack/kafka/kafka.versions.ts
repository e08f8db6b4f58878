export const KAFKA_VERSION = '4.1.1'
export const LOG4J_VERSION = '2.25.2'
/** Of Maven's plugin; without it Maven takes whatever its own release names. */
export const DEPENDENCY_PLUGIN_VERSION = '3.8.1'
/** Kafka 4 brokers do not start on an older one. */
export const OLDEST_JAVA = '17'
