import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { identifyProcess, isAlive, signalProcess } from './process.identity.js'

describe(isAlive.name, () => {
  it('is true for this process', async () => {
    const self = await identifyProcess(process.pid)
    expect(self && (await isAlive(self))).toBe(true)
  })

  it('is false for a process of the same pid that was born at another time', async () => {
    expect(await isAlive({ pid: process.pid, bornAt: 'another time' })).toBe(false)
  })
})

describe(signalProcess.name, () => {
  it('spares a process that has been given the pid of the one that was meant', async () => {
    const bystander = spawn('sleep', ['60'])
    try {
      await once(bystander, 'spawn')
      expect(await signalProcess({ pid: bystander.pid ?? -1, bornAt: 'another time' }, 'SIGKILL')).toBe(false)
      expect(bystander.signalCode).toBeNull()
    } finally {
      bystander.kill()
      await once(bystander, 'exit')
    }
  })
})
