import { describe, expect, it } from 'vitest'
import { occupyPort } from '../testing/occupied.port.js'
import { checkFixedPorts } from './fixed-ports.js'

describe(checkFixedPorts.name, () => {
  it('names every port that is taken and the variable that moves it', async () => {
    const [kafka, minio] = [await occupyPort(), await occupyPort()]
    await expect(checkFixedPorts({ kafka, minio })).rejects.toThrow(
      `port ${kafka} is taken: set STACK_KAFKA_PORT to another\nport ${minio} is taken: set STACK_MINIO_PORT to another`,
    )
  })
})
