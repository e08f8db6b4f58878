import { waitUntil, type ServiceRig } from '#tools/rig'
import type { FaultScene, Undo } from './fault.scene.js'

type ServerName = 'kafka' | 'postgres' | 's3'

/** SIGKILL to a server. Gives what starts it again on its port and data. */
export async function killServer(name: ServerName, scene: FaultScene): Promise<Undo> {
  const resume = await holdFeeder(name, scene)
  await scene.stage.server(name).kill()
  return () => startServer(name, scene, resume)
}

/** An orderly stop. Gives what starts the server again on its port and data. */
export async function stopServer(name: ServerName, scene: FaultScene): Promise<Undo> {
  const resume = await holdFeeder(name, scene)
  await scene.stage.server(name).stop()
  return () => startServer(name, scene, resume)
}

/** The feeder puts files and sends records. */
async function holdFeeder(name: ServerName, { feeder }: FaultScene): Promise<() => void> {
  return name === 'postgres' ? () => undefined : feeder.hold()
}

async function startServer(name: ServerName, { stage, rig }: FaultScene, resume: () => void): Promise<void> {
  await stage.server(name).start()
  if (name === 'kafka') {
    await whenLed(rig)
    const [results, deadLetters] = await Promise.all([rig.results(), rig.deadLetters()])
    await Promise.all([results.reopen(), deadLetters.reopen()])
  }
  resume()
}

/**
 * A broker answers before it leads its partitions again. A send that some of them refuse is repeated for all of them by the client, and
 * then nobody knows which of two records is the task's first.
 */
async function whenLed({ topics, partitions }: ServiceRig): Promise<void> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const isLed = () =>
    topics.ends(all).then(
      (ends) => ends.length === partitions,
      () => false,
    )
  await waitUntil(isLed, { what: 'the broker to lead the partitions of the tasks', timeoutMs: 60_000 })
}
