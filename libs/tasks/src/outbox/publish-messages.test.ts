import { describe, expect, it } from 'vitest'
import { TaskError } from '#libs/kernel'
import { makeOutboxMessage } from '../../../../test/factories/outbox-message.factory.js'
import { FakeResultPublisher } from '../../../../test/fakes/fake-result.publisher.js'
import { publishMessages } from './publish-messages.js'

const messages = [1, 2, 3].map((id) => makeOutboxMessage({ id }))
const tooLarge = TaskError.invalid('queue_unavailable', 'too large')

function makePublisher(badId: number): FakeResultPublisher {
  const publisher = new FakeResultPublisher()
  publisher.publish.mockImplementation((group) => (group.some(({ id }) => id === badId) ? Promise.reject(tooLarge) : Promise.resolve()))
  return publisher
}

describe(publishMessages.name, () => {
  it('publishes all messages at once', async () => {
    const publisher = makePublisher(0)
    expect(await publishMessages(publisher, messages)).toEqual({ published: messages, refused: [] })
    expect(publisher.publish.mock.calls).toEqual([[messages]])
  })

  it('publishes the neighbours of a message that is refused for good', async () => {
    const [first, , third] = messages
    expect(await publishMessages(makePublisher(2), messages)).toEqual({
      published: [first, third],
      refused: [{ message: messages[1], error: tooLarge }],
    })
  })

  it('names the only message that is refused for good', async () => {
    const publisher = makePublisher(1)
    expect(await publishMessages(publisher, messages.slice(0, 1))).toEqual({
      published: [],
      refused: [{ message: messages[0], error: tooLarge }],
    })
    expect(publisher.publish).toHaveBeenCalledTimes(1)
  })

  it('tries no message alone while the brokers are away', async () => {
    const publisher = new FakeResultPublisher()
    const away = TaskError.unavailable('queue_unavailable', 'away')
    publisher.publish.mockRejectedValue(away)
    expect(await publishMessages(publisher, messages)).toEqual({ published: [], refused: [], failure: away })
    expect(publisher.publish).toHaveBeenCalledTimes(1)
  })
})
