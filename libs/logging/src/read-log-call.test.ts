import { describe, expect, it } from 'vitest'
import { readLogCall } from './read-log-call.js'

const error = new Error('reset')
const stack = 'Error: x\n    at file.ts:1:2'

describe(readLogCall.name, () => {
  it.each([
    ['a message', ['started'], { message: 'started', fields: {} }],
    ['a message and its context', ['started', 'App'], { message: 'started', fields: { context: 'App' } }],
    ['fields after the message', ['stored', { size: 3 }, 'App'], { message: 'stored', fields: { size: 3, context: 'App' } }],
    ['fields before the message', [{ size: 3 }, 'stored', 'App'], { message: 'stored', fields: { size: 3, context: 'App' } }],
    ['an error among fields', ['failed', { error }, 'App'], { message: 'failed', fields: { error, context: 'App' } }],
    ['an error beside the message', ['failed', error, 'App'], { message: 'failed', fields: { error, context: 'App' } }],
    ['an error alone', [error, 'App'], { message: 'reset', fields: { error, context: 'App' } }],
    ['a message with a stack', ['failed', stack, 'App'], { message: 'failed', fields: { stack, context: 'App' } }],
    ['a message with nothing', ['failed', undefined, null, 'App'], { message: 'failed', fields: { context: 'App' } }],
    ['a number', [7, 'App'], { message: '7', fields: { context: 'App' } }],
    ['no text', [{ size: 3 }], { message: 'no message', fields: { size: 3 } }],
    ['more texts', ['a', 'b', 'App'], { message: 'a', fields: { more: ['b'], context: 'App' } }],
  ])('reads %s', (_name, parts, call) => {
    expect(readLogCall(parts)).toEqual(call)
  })
})
