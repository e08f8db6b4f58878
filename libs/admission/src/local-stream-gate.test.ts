import { Global, Module } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { describe, expect, it, vi } from 'vitest'
import { AdmissionModule, LocalStreamGate } from '#libs/admission'
import { StreamGate } from '#libs/kernel'

const SETTINGS = Symbol('settings')

@Global()
@Module({ providers: [{ provide: SETTINGS, useValue: { maxStreams: 7 } }], exports: [SETTINGS] })
class SettingsModule {}

const never = () => new AbortController().signal

describe(LocalStreamGate.name, () => {
  it.each([0, -1, 1.5, Number.NaN])('refuses a limit of %s', (limit) => {
    expect(() => new LocalStreamGate(limit)).toThrow(`the limit of streams must be at least 1 (got ${limit})`)
  })

  it('gives what is free, up to what is wanted', () => {
    const gate = new LocalStreamGate(3)
    expect(gate.takeUpTo(2)).toBe(2)
    expect(gate.takeUpTo(2)).toBe(1)
    expect(gate.takeUpTo(1)).toBe(0)
    expect(gate).toMatchObject({ inUse: 3, limit: 3 })
  })

  it('takes nothing when less than one stream is wanted', () => {
    const gate = new LocalStreamGate(3)
    expect(gate.takeUpTo(-2)).toBe(0)
    expect(gate.inUse).toBe(0)
  })

  it('gives a released stream to those who wait, first in, first out, before anybody who takes', async () => {
    const gate = new LocalStreamGate(2)
    gate.takeUpTo(2)
    const given: string[] = []
    const first = gate.acquire(never()).then(() => given.push('first'))
    const second = gate.acquire(never()).then(() => given.push('second'))
    gate.release()
    expect(gate.takeUpTo(1)).toBe(0)
    expect(gate.inUse).toBe(2)
    await first
    expect(given).toEqual(['first'])
    gate.release()
    await second
    expect(given).toEqual(['first', 'second'])
    expect(gate.inUse).toBe(2)
  })

  it('announces a free stream only when nobody waits for it', async () => {
    const gate = new LocalStreamGate(2)
    const free = vi.fn<() => void>()
    const stop = gate.onFree(free)
    gate.takeUpTo(2)
    const waited = gate.acquire(never())
    gate.release()
    expect(free).not.toHaveBeenCalled()
    await waited
    gate.release(2)
    expect(free).toHaveBeenCalledTimes(1)
    expect(gate.inUse).toBe(0)
    stop()
    gate.takeUpTo(1)
    gate.release()
    expect(free).toHaveBeenCalledTimes(1)
  })

  it('serves a waiter and announces the rest when several streams are released at once', async () => {
    const gate = new LocalStreamGate(3)
    const free = vi.fn<() => void>()
    gate.onFree(free)
    gate.takeUpTo(3)
    const waited = gate.acquire(never())
    gate.release(2)
    await waited
    expect(gate.inUse).toBe(2)
    expect(free).toHaveBeenCalledTimes(1)
  })

  it('gives at once what is free, and refuses a signal that is aborted already', async () => {
    const gate = new LocalStreamGate(2)
    await gate.acquire(never())
    expect(gate.inUse).toBe(1)
    await expect(gate.acquire(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
    expect(gate.inUse).toBe(1)
  })

  it('gives nothing to a waiter that was aborted, and no abort takes back what was given', async () => {
    const gate = new LocalStreamGate(1)
    gate.takeUpTo(1)
    const lost = new AbortController()
    const kept = new AbortController()
    const left = gate.acquire(lost.signal)
    const stays = gate.acquire(kept.signal)
    lost.abort(new Error('lease lost'))
    await expect(left).rejects.toThrow('lease lost')
    gate.release()
    await stays
    kept.abort(new Error('too late'))
    expect(gate.inUse).toBe(1)
    gate.release()
    expect(gate.takeUpTo(1)).toBe(1)
  })

  it('refuses to release more than are in use, and changes nothing', () => {
    const gate = new LocalStreamGate(3)
    gate.takeUpTo(1)
    expect(() => gate.release(2)).toThrow('2 streams were released, but only 1 are in use')
    expect(gate.inUse).toBe(1)
  })

  it('announces nothing when nothing is released', () => {
    const gate = new LocalStreamGate(1)
    const free = vi.fn<() => void>()
    gate.onFree(free)
    gate.release(0)
    expect(free).not.toHaveBeenCalled()
  })
})

describe(AdmissionModule.name, () => {
  it('gives a gate with the limit of the settings', async () => {
    const module = await Test.createTestingModule({ imports: [SettingsModule, AdmissionModule.forRoot(SETTINGS)] }).compile()
    expect(module.get(StreamGate)).toBeInstanceOf(LocalStreamGate)
    expect(module.get(StreamGate).limit).toBe(7)
  })
})
