import { startRefusingS3 } from '../stage/refusing.s3.js'
import { runStatements, takeConnections } from './database.faults.js'
import { readHostileRecords } from './hostile.records.js'
import type { FaultScene, Undo } from './fault.scene.js'
import { armWorker } from './worker.failpoints.js'
import { killServer, stopServer } from './server.faults.js'
import type { Step } from '../schedule/schedule.schema.js'

const nothing: Undo = () => undefined

/** Begins a fault. Resolves when it is there, with what ends it. */
export async function injectFault(step: Step, scene: FaultScene): Promise<Undo> {
  const { stage, crew, rig, journal } = scene
  switch (step.fault) {
    case 'half_open':
      stage.links[step.target].halfOpen()
      return nothing
    case 'reset':
      return stage.links[step.target].poison({ type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } })
    case 'refuse':
      return stage.links[step.target].refuse()
    case 'hang':
      return stage.links[step.target].poison({ type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } })
    case 'slow':
      return stage.links[step.target].poison({
        type: 'latency',
        stream: 'downstream',
        attributes: { latency: step.latencyMs, jitter: step.jitterMs },
      })
    case 'kill':
      return step.target === 'worker' ? crew.kill() : killServer(step.target, scene)
    case 'stop':
      return step.target === 'worker' ? crew.stopOne() : stopServer(step.target, scene)
    case 'refusals': {
      const s3 = await startRefusingS3(step)
      const bringBack = stage.links.s3.divert(s3.port)
      return () => {
        bringBack()
        s3.close()
      }
    }
    case 'statements':
      return runStatements(step.begin, step.end, scene)
    case 'crowd':
      return takeConnections(scene)
    case 'record_limit':
      await rig.topics.limitResults(step.bytes)
      return () => rig.topics.limitResults(undefined)
    case 'churn':
      await crew.churn(step.times)
      return nothing
    case 'freeze':
      return crew.freeze()
    case 'failpoints':
      return armWorker(step.points, scene)
    case 'roll':
      await crew.roll()
      return nothing
    case 'answer': {
      const ids: string[] = []
      for (const rule of step.rules) ids.push(await rig.addFault(rule))
      return async () => {
        for (const id of ids) await rig.simulator.removeFault(id)
      }
    }
    case 'send':
      await journal.send(readHostileRecords(step.records, rig))
      return nothing
  }
}
