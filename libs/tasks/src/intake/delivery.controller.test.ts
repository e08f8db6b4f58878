import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makeDelivery } from '../../../../test/factories/delivery.factory.js'
import { FakeLedger } from '../../../../test/fakes/fake-ledger.js'
import { FakePromptRenderer } from '../../../../test/fakes/fake-prompt.renderer.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { FileTaskTypes } from '../types/file-task-types.js'
import { TenantDirectory } from '../types/tenant-directory.js'
import { DeliveryController } from './delivery.controller.js'
import { FakeTracer } from '../../../../test/fakes/fake.tracer.js'
import { MessageParser } from './message-parser.js'
import { TaskEvents } from '../metrics/task.events.js'
import { IntakeWatch } from './intake.watch.js'
import { TaskIntake } from './task.intake.js'

function makeController(ledger: FakeLedger): DeliveryController {
  const relay = new OutboxRelay(ledger, new FakeResultPublisher())
  const parser = new MessageParser({ maxMessageBytes: 4_096 })
  return new DeliveryController(
    new TaskIntake(
      parser,
      new FileTaskTypes([]),
      new TenantDirectory([], new Map()),
      new FakePromptRenderer(),
      ledger,
      relay,
      new IntakeWatch(new FakeTracer(), new TaskEvents()),
    ),
  )
}

const deliveries = [makeDelivery({ offset: 1n, value: null }), makeDelivery({ offset: 2n, value: null })]
const batch = { topic: 'llm.tasks', partition: 0, deliveries }

describe(DeliveryController.name, () => {
  it('resolves when every delivery of the batch is stored', async () => {
    const ledger = new FakeLedger()
    ledger.reject.mockResolvedValue([])
    await makeController(ledger).take(batch)
    expect(ledger.reject.mock.calls[0]![0].map(({ source }) => source.offset)).toEqual([1n, 2n])
  })

  it('rejects when a delivery could not be stored, so that no offset is committed', async () => {
    const ledger = new FakeLedger()
    ledger.reject.mockRejectedValue(TaskError.unavailable('ledger_unavailable', 'away'))
    await expect(makeController(ledger).take(batch)).rejects.toMatchObject({ code: 'ledger_unavailable' })
  })
})
