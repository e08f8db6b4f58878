import type { BenchCase } from './bench.case.js'

const KEYS = 2_000

export const BENCH_CASES: readonly BenchCase[] = [
  {
    name: '200ms-1p',
    partitions: 1,
    keys: KEYS,
    latency: { kind: 'fixed', ms: 200 },
    load: { kind: 'drain' },
    expectedPerSecond: { sluice: 3_500, sluice_local: 3_500, sluice_dark: 3_500, sluice_mute: 3_500, stock: 5, bare: 4_500 },
  },
  {
    name: '200ms-6p',
    partitions: 6,
    keys: KEYS,
    latency: { kind: 'fixed', ms: 200 },
    load: { kind: 'drain' },
    expectedPerSecond: {
      sluice: 3_500,
      sluice_local: 3_500,
      sluice_dark: 3_500,
      sluice_mute: 3_500,
      stock: 5,
      stock_concurrent: 30,
      bare: 4_500,
    },
  },
  {
    name: '0ms-6p',
    partitions: 6,
    keys: KEYS,
    latency: { kind: 'fixed', ms: 0 },
    load: { kind: 'drain' },
    expectedPerSecond: {
      sluice: 4_500,
      sluice_local: 4_500,
      sluice_dark: 4_500,
      sluice_mute: 4_500,
      stock: 200,
      stock_concurrent: 850,
      bare: 9_500,
    },
  },
  {
    // Order per key: no peer without a ledger keeps it and runs more than one task of a partition.
    name: 'ordered-300keys-6p',
    partitions: 6,
    keys: 300,
    latency: { kind: 'uniform', minMs: 100, maxMs: 300 },
    taskType: 'chat-ordered',
    load: { kind: 'drain' },
    expectedPerSecond: { sluice: 1_400, sluice_local: 1_400, sluice_dark: 1_400, sluice_mute: 1_400, stock: 5, stock_concurrent: 30 },
  },
  {
    name: 'added-latency-6p',
    partitions: 6,
    keys: KEYS,
    latency: { kind: 'fixed', ms: 200 },
    load: { kind: 'paced', rateOf: '200ms-6p' },
    expectedPerSecond: { sluice: 2_000, sluice_local: 2_000, sluice_dark: 2_000, sluice_mute: 2_000, bare: 2_000 },
  },
]
