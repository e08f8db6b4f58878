import { describe, expect, it } from 'vitest'
import { SettingsError } from '#libs/config'
import { makeProgram } from '../../../apps/cli/src/program.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { runSluice } from './run-sluice.js'
import { openWaitRig, type WaitRigOptions } from './wait.rig.js'

async function openScene(options?: WaitRigOptions) {
  const rig = await openWaitRig(options)
  const { url } = rig.database
  const informed = { url, env: { LIMITS_FILE: rig.limitsFile, LLM_MAX_STREAMS: '10' } }
  return { rig, url, informed }
}

describe(`${makeProgram.name}: tasks why`, () => {
  it('prints each gate that blocks with its value, limit and time, as a table and as JSON', async () => {
    const limits = 'credentials: { gigachat: { max_streams: 1, requests_per_minute: 12 } }'
    const { rig, informed } = await openScene({ limits })
    await rig.accept({ taskId: 'a' })
    await rig.accept({ taskId: 'b' })
    await rig.worker.claim()
    const { out, err, exitCode } = await runSluice(informed, 'tasks', 'why', 'b')
    expect(out).toMatch(
      /^b of default: waiting since \S+Z: gigachat GigaChat-2, priority 5, run 1\nGATE +VALUE +LIMIT +UNIT +EXPECTED +WHY\nstreams gigachat +1 +1 +streams +unknown +1 in use by 1 workers.*\nrequests per minute gigachat +0[.\d]* +12 +requests +20\d\d-\S+Z +the next call/,
    )
    expect(out).not.toContain('not looked at')
    expect({ err, exitCode }).toEqual({ err: '', exitCode: undefined })
    for (const option of [['--json'], ['-o', 'json']]) {
      const json = await runSluice(informed, 'tasks', 'why', 'b', ...option)
      expect(JSON.parse(json.out)).toMatchObject({
        tenant: 'default',
        taskId: 'b',
        state: 'waiting',
        reasons: [
          { gate: 'streams gigachat', value: 1, limit: 1, unit: 'streams', expectedAt: null },
          { gate: 'requests per minute gigachat', limit: 12, unit: 'requests', expectedAt: expect.stringMatching(/Z$/) },
        ],
        gates: [{ gate: 'breaker:gigachat/GigaChat-2', blocks: false }, { gate: 'credential:gigachat' }, { gate: 'requests:gigachat' }],
        notLookedAt: [],
      })
    }
    await expect(runSluice(informed, 'tasks', 'why', 'a')).resolves.toMatchObject({
      out: expect.stringMatching(/^a of default: running by test under lease \d+: run 1, attempt 1, a call is under way since \S+Z\n$/),
    })
  })

  it('says that a task is due, and what goes before it', async () => {
    const { rig, informed } = await openScene()
    await rig.accept({ taskId: 'a' })
    await rig.accept({ taskId: 'b' })
    await expect(runSluice(informed, 'tasks', 'why', 'b')).resolves.toMatchObject({
      out: expect.stringMatching(
        /^b of default: due since .*; 1 due tasks of its lane go before it, 0 of other lanes share the streams of gigachat\n$/,
      ),
      exitCode: undefined,
    })
  })

  it('tells how a run has ended', async () => {
    const { rig, informed } = await openScene()
    await rig.accept({ taskId: 'a' })
    const [task] = await rig.worker.claim()
    await rig.worker.ledger.finish(makeRunEnd(task!))
    await expect(runSluice(informed, 'tasks', 'why', 'a')).resolves.toMatchObject({
      out: expect.stringMatching(/^a of default: finished: run 1 succeeded at \S+Z\n$/),
    })
  })

  it('says which gates it has not looked at, where it is not given the limits of the workers', async () => {
    const { rig, url } = await openScene({ limits: 'tenants: { default: { budget: { tokens_per_day: 1 } } }' })
    await rig.accept({ taskId: 'a' })
    const { out } = await runSluice({ url }, 'tasks', 'why', 'a')
    expect(out).toMatch(/^a of default: due since .*, nothing that was looked at holds it back/)
    expect(out).toMatch(
      /\nnot looked at: streams gigachat: .*LLM_MAX_STREAMS.*\nnot looked at: .*budget tokens per day default.*LIMITS_FILE is not set here/,
    )
  })

  it('ends with 4 where there is no such task, and tells what is wrong with the limits', async () => {
    const { informed } = await openScene()
    await expect(runSluice(informed, 'tasks', 'why', 'a')).resolves.toMatchObject({
      out: '',
      err: 'no task a of tenant default\n',
      exitCode: 4,
    })
    const wrong = { ...informed, env: { LIMITS_FILE: '/nowhere/limits.yaml' } }
    await expect(runSluice(wrong, 'tasks', 'why', 'a')).rejects.toThrow(SettingsError)
  })
})
