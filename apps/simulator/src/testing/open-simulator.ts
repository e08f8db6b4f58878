import { onTestFinished } from 'vitest'
import type { SettingsPatch } from '../settings.schema.js'
import { startSimulator, type RunningSimulator } from '../simulator.js'
import { SimulatorClient } from './simulator.client.js'

/** A simulator on a free port that the test closes at its end. Tests ask for tokens often, so the limit of token requests is off. */
export async function openSimulator(settings: SettingsPatch = {}): Promise<SimulatorClient & { readonly running: RunningSimulator }> {
  const running = await startSimulator({ settings: { ...settings, oauth: { requestsPerSecond: 0, ...settings.oauth } } })
  onTestFinished(() => running.close())
  return Object.assign(new SimulatorClient(running.url), { running })
}
