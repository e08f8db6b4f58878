import { describe, expect, it } from 'vitest'
import { readProviderError } from './provider-error.js'

describe(readProviderError.name, () => {
  it.each([
    ['GigaChat', { status: 429, message: 'Too many requests' }, { status: 429, message: 'Too many requests' }],
    ['the token endpoint', { code: 7, message: 'scope' }, { status: undefined, message: 'scope' }],
    ['a stream', { status_code: 500, message: 'x' }, { status: 500, message: 'x' }],
    ['OpenAI', { error: { message: 'x', type: 't', code: 'c' } }, { status: undefined, message: 'x', reason: 'c' }],
    ['vLLM', { error: { message: 'x', type: 't', code: 404 } }, { status: 404, message: 'x', reason: 't' }],
    ['an error without a message', { error: {} }, { status: undefined, message: '' }],
    ['Ollama', { error: 'model not found' }, { status: undefined, message: 'model not found' }],
    ['FastAPI', { detail: 'Not Found' }, { status: undefined, message: 'Not Found' }],
    ['a status alone', { status: 503 }, { status: 503, message: '' }],
  ])('reads the shape of %s', (_name, body, expected) => {
    expect(readProviderError(body)).toEqual(expected)
  })

  it.each([[{ choices: [], status: 500 }], [{ status: 200 }], [{}], [null], ['text'], [[]]])('sees no error in %j', (body) => {
    expect(readProviderError(body)).toBeUndefined()
  })
})
