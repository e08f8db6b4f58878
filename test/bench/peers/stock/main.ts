import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { Transport, type MicroserviceOptions } from '@nestjs/microservices'
import { readPeerSettings } from '../peer.settings.js'
import { StockModule } from './stock.module.js'

/** What a Nest user has by default: the Kafka transport of @nestjs/microservices on kafkajs, nothing tuned. */
const { brokers, groupId, partitionsConsumedConcurrently } = readPeerSettings(process.env)

const app = await NestFactory.createMicroservice<MicroserviceOptions>(StockModule, {
  logger: ['warn', 'error'],
  transport: Transport.KAFKA,
  options: {
    client: { clientId: 'stock', brokers: [...brokers] },
    consumer: { groupId },
    subscribe: { fromBeginning: true },
    ...(partitionsConsumedConcurrently !== undefined && { run: { partitionsConsumedConcurrently } }),
  },
})
await app.listen()

process.once('SIGTERM', () => {
  void app.close().then(() => process.exit(0))
})
