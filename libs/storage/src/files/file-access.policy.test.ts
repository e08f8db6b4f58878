import { describe, expect, it } from 'vitest'
import { TaskError, type FileRequest } from '#libs/kernel'
import { authorizeRead } from './file-access.policy.js'

const settings = { bucket: 'sluice', inputBuckets: ['sluice', 'archive'], answersPrefix: 'answers/' }

function authorize(request: Partial<FileRequest>): string {
  return authorizeRead({ key: 'inputs/a.txt', allowedPrefixes: ['inputs/'], maxSizeBytes: 1, ...request }, settings)
}

function refusalOf(request: Partial<FileRequest>): TaskError {
  try {
    authorize(request)
  } catch (error) {
    return error as TaskError
  }
  throw new Error('it was allowed')
}

describe(authorizeRead.name, () => {
  it('gives the default bucket or the one that is named', () => {
    expect(authorize({})).toBe('sluice')
    expect(authorize({ bucket: 'archive' })).toBe('archive')
  })

  it.each<[string, Partial<FileRequest>, string]>([
    ['another bucket', { bucket: 'secrets' }, 'S3_INPUT_BUCKETS'],
    ['a key outside of the prefixes', { key: 'other/a.txt' }, 'outside of the prefixes'],
    ['a prefix that only looks alike', { key: 'inputs2/a.txt', allowedPrefixes: ['inputs'] }, 'outside of the prefixes'],
    ['everything where no prefix is allowed', { allowedPrefixes: [] }, 'outside of the prefixes'],
    ['a way out of the prefix', { key: 'inputs/../answers/a' }, '".."'],
    ['an answer', { key: 'answers/a', allowedPrefixes: [''] }, 'answers cannot be read'],
    ['an answer in other letters', { key: 'ANSWERS/a', allowedPrefixes: [''] }, 'answers cannot be read'],
    ['the folder of the answers', { key: 'answers', allowedPrefixes: [''] }, 'answers cannot be read'],
  ])('refuses %s', (_name, request, why) => {
    const error = refusalOf(request)
    expect(error).toMatchObject({ code: 'file_forbidden', retryable: false })
    expect(error.message).toContain(why)
  })

  it('lets a key be read in another bucket that would be an answer in the default one', () => {
    expect(authorize({ bucket: 'archive', key: 'answers/a', allowedPrefixes: ['answers/'] })).toBe('archive')
  })
})
