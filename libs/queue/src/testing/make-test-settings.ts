import { queueSettings, type QueueSettings } from '../queue.settings.js'

/** Settings as they come from an environment that names the brokers only, but for what `env` says. */
export function makeTestSettings(env: Readonly<Record<string, string>> = {}): QueueSettings {
  return queueSettings.parse({ KAFKA_BROKERS: '127.0.0.1:9092', KAFKA_TOPIC_TASKS: 'tasks', ...env })
}
