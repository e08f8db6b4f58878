import { Module } from '@nestjs/common'
import { CpuPool } from './cpu-pool.js'
import { PiscinaCpuPool } from './piscina-cpu-pool.js'

@Module({
  providers: [{ provide: CpuPool, useClass: PiscinaCpuPool }],
  exports: [CpuPool],
})
export class CpuModule {}
