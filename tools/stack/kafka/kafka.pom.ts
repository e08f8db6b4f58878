import { DEPENDENCY_PLUGIN_VERSION, KAFKA_VERSION, LOG4J_VERSION } from './kafka.versions.js'

/** Asks Maven for the broker, its tools and a logger; there is nothing to compile. */
export function makeKafkaPom(): string {
  const dependencies = [
    ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
    ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
    ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION],
  ].map(([group, artifact, version]) => `<dependency>${makeCoordinates(group, artifact, version)}</dependency>`)
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  ${makeCoordinates('sluice', 'local-kafka', KAFKA_VERSION)}
  <packaging>pom</packaging>
  <dependencies>
    ${dependencies.join('\n    ')}
  </dependencies>
  <build><plugins>
    <plugin>${makeCoordinates('org.apache.maven.plugins', 'maven-dependency-plugin', DEPENDENCY_PLUGIN_VERSION)}</plugin>
  </plugins></build>
</project>
`
}

function makeCoordinates(group = '', artifact = '', version = ''): string {
  return `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`
}
