/** How many brokers the cluster says it has; throws unless one answers. */
export async function countBrokers(bootstrapBrokers: readonly string[]): Promise<number> {
  // The client is slow to load; a stack without Kafka does not wait for it.
  const { Admin } = await import('@platformatic/kafka')
  const admin = new Admin({
    clientId: 'sluice-stack',
    bootstrapBrokers: [...bootstrapBrokers],
    retries: 0,
    connectTimeout: 3_000,
    timeout: 3_000,
  })
  try {
    return (await admin.metadata({ topics: [] })).brokers.size
  } finally {
    await admin.close()
  }
}
