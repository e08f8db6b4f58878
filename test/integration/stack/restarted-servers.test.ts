import { Admin } from '@platformatic/kafka'
import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startStack } from '../../../tools/stack/index.js'
import type { Stack } from '../../../tools/stack/index.js'

describe('a stack whose servers are killed and restarted', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ name: 'restarts', parts: ['kafka', 'minio'], kafka: { quickStart: true }, env: { PATH: process.env.PATH } })
  })
  afterAll(() => stack.stop())

  it('keeps the topics of Kafka', async () => {
    const admin = new Admin({ clientId: 'restarts', bootstrapBrokers: [...stack.kafkaBrokers] })
    await admin.createTopics({ topics: ['kept'], partitions: 3, replicas: 1 })
    await admin.close()
    await stack.server('kafka').kill()
    await stack.server('kafka').restart()
    const again = new Admin({ clientId: 'restarts', bootstrapBrokers: [...stack.kafkaBrokers] })
    expect(await again.listTopics()).toContain('kept')
    await again.close()
  })

  it('keeps the objects of MinIO', async () => {
    const { hostname, port } = new URL(stack.s3.endpoint)
    const { accessKey, secretKey } = stack.s3
    const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey })
    await client.makeBucket('kept')
    await client.putObject('kept', 'object', 'content')
    await stack.server('minio').kill()
    await stack.server('minio').restart()
    expect((await client.statObject('kept', 'object')).size).toBe(7)
  })
})
