/**
 * The two microservice transports. Every handler names its own: without a symbol Nest gives each handler to every transport, and a
 * delivery would also be run as a task.
 */
export const KAFKA_TRANSPORT = Symbol('sluice.transport.kafka')
export const LEDGER_TRANSPORT = Symbol('sluice.transport.ledger')

/** What the Kafka transport dispatches: a batch of deliveries of one topic (DeliveryBatch). */
export const DELIVERIES_PATTERN = 'deliveries'
/** What the ledger transport dispatches: one claimed task (ClaimedTask). */
export const TASK_PATTERN = 'task'
