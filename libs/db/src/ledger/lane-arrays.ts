import type { LaneRoom } from '#libs/kernel'
import { makeBooleanArray, makeIntegerArray, makeTextArray } from '../connection/binary-array.js'

/** provider text[], model text[], tenant text[], room integer[], is_probe boolean[] */
export function makeLaneArrays(lanes: readonly LaneRoom[]): Buffer[] {
  return [
    makeTextArray(lanes.map(({ provider }) => provider)),
    makeTextArray(lanes.map(({ model }) => model)),
    makeTextArray(lanes.map(({ tenant }) => tenant)),
    makeIntegerArray(lanes.map(({ tasks }) => tasks)),
    makeBooleanArray(lanes.map(({ isProbe }) => isProbe)),
  ]
}
