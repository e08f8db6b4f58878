import type { Lane } from '#libs/kernel'
import { AdmissionEvents, admissionSettings, createAdmission } from '#libs/admission'
import { limitsFileSchema } from '../../libs/admission/src/limits/limits.schema.js'
import { FakeCluster } from '../fakes/fake-admission.cluster.js'

export interface AdmissionOptions {
  readonly cluster?: FakeCluster
  readonly streams?: number
  /** As in LIMITS_FILE. */
  readonly limits?: object
}

/** Admission of one replica on what all share, its loop not started: the test says when it looks. */
export function openAdmission({ cluster = new FakeCluster(), streams = 10, limits = {} }: AdmissionOptions = {}) {
  const { lease, store } = cluster.join()
  const events = new AdmissionEvents()
  const env = { LLM_BREAKER_FAILURES: '2', LLM_BREAKER_OPEN_MS: '1000', LLM_BREAKER_MAX_OPEN_MS: '8000' }
  const settings = { ...admissionSettings.parse(env), limits: limitsFileSchema.parse(limits) }
  const parts = createAdmission(store, cluster.clock, events, settings, { maxStreams: streams, providers: ['gigachat'] })
  const { admission, gates } = parts
  /** What a look of the loop does about streams. */
  const balance = async () => {
    const demands = gates.makeDemands(store.leaseId, admission.wanting, { keepsSpare: admission.isClaiming })
    gates.apply(await store.balance(demands, (state) => gates.decide(state)))
    admission.serve()
  }
  /** Tasks of these lanes are due, and streams are there. */
  const offer = async (...lanes: readonly Lane[]) => {
    admission.notice(lanes)
    await balance()
  }
  return { ...parts, cluster, lease, store, events, balance, offer }
}
