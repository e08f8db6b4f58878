import { Module } from '@nestjs/common'
import { ClientsModule, Transport } from '@nestjs/microservices'
import { Pool } from 'pg'
import { readPeerSettings } from '../peer.settings.js'
import { ANSWER_POOL, PEER_SETTINGS, RESULT_CLIENT } from './stock.tokens.js'
import { StockController } from './stock.controller.js'
import { StockModel } from './stock.model.js'

const settings = readPeerSettings(process.env)

@Module({
  imports: [
    ClientsModule.register([
      {
        name: RESULT_CLIENT,
        transport: Transport.KAFKA,
        options: { client: { clientId: 'stock', brokers: [...settings.brokers] }, producerOnlyMode: true },
      },
    ]),
  ],
  controllers: [StockController],
  providers: [
    StockModel,
    { provide: PEER_SETTINGS, useValue: settings },
    { provide: ANSWER_POOL, useFactory: () => new Pool({ connectionString: settings.databaseUrl }) },
  ],
})
export class StockModule {}
