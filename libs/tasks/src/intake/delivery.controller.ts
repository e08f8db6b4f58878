import { Controller } from '@nestjs/common'
import { Payload } from '@nestjs/microservices'
import { DELIVERIES_PATTERN, KAFKA_TRANSPORT, type DeliveryBatch } from '#libs/kernel'
import { TaskHandler } from '../pipeline/task-handler.decorator.js'
import { TaskIntake } from './task.intake.js'

/** Deliveries, from Kafka. Resolves when every one of them is stored; rejects when the ledger could not store them. */
@Controller()
export class DeliveryController {
  constructor(private readonly intake: TaskIntake) {}

  @TaskHandler(DELIVERIES_PATTERN, KAFKA_TRANSPORT)
  take(@Payload() batch: DeliveryBatch): Promise<void> {
    return this.intake.take(batch.deliveries)
  }
}
