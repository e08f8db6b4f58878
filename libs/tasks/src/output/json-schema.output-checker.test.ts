import { describe, expect, it, onTestFinished } from 'vitest'
import { TaskTypes, type TaskType } from '#libs/kernel'
import { CpuPool, PiscinaCpuPool, type CpuJob, type CpuResult } from '#libs/resilience'
import { checkJson, type JsonCheck } from './json-check.worker.js'
import { JsonSchemaOutputChecker } from './json-schema.output-checker.js'

const ofType = { type: 'object', required: ['name'] }

class OneType extends TaskTypes {
  override readonly names = ['extract', 'prompt']

  override find(name: string): TaskType | undefined {
    return { name, ...(name === 'extract' && { responseSchema: ofType }) } as Partial<TaskType> as TaskType
  }
}

/** Runs the job on this thread and counts. */
class InlineCpuPool extends CpuPool {
  runs = 0
  result: CpuResult<never> | undefined

  override run<I, O>(_: CpuJob<I, O>, input: I): Promise<CpuResult<O>> {
    this.runs++
    return Promise.resolve(this.result ?? { kind: 'done', value: checkJson(input as JsonCheck) as O })
  }
}

function makeChecker(cpu: CpuPool = new InlineCpuPool()) {
  return new JsonSchemaOutputChecker(new OneType(), cpu)
}

function makeThreads(): PiscinaCpuPool {
  const pool = new PiscinaCpuPool({ threads: 1, threadMemoryMb: 128 })
  onTestFinished(() => pool.onApplicationShutdown())
  return pool
}

describe(JsonSchemaOutputChecker.name, () => {
  it('checks a short answer against the schema of a type without another thread', async () => {
    const cpu = new InlineCpuPool()
    expect(await makeChecker(cpu).check('{"name":"x"}', ofType)).toEqual({ name: 'x' })
    await expect(makeChecker(cpu).check('{}', ofType)).rejects.toMatchObject({
      code: 'output_invalid',
      retryable: false,
      message: "the answer does not match the schema: the top must have required property 'name'",
    })
    expect(cpu.runs).toBe(0)
  })

  it('checks a long answer, and any against an equal schema of a message, on another thread', async () => {
    const cpu = new InlineCpuPool()
    const long = { name: 'x'.repeat(40_000) }
    expect(await makeChecker(cpu).check(JSON.stringify(long), ofType)).toEqual(long)
    expect(await makeChecker(cpu).check('{"name":"x"}', { ...ofType })).toEqual({ name: 'x' })
    expect(cpu.runs).toBe(2)
  })

  it('names five mismatches and counts the others', async () => {
    const answer = JSON.stringify(Array.from({ length: 8 }, () => 'secret'))
    await expect(makeChecker().check(answer, { items: { type: 'number' } })).rejects.toThrow(
      /^the answer does not match the schema: \/0 must be number; .*\/4 must be number \(and 3 more\)$/,
    )
  })

  it('says that an answer is not JSON without repeating it', async () => {
    await expect(makeChecker().check('secret', ofType)).rejects.toThrow(/^the answer cannot be read as JSON: it is not JSON$/)
  })

  it('refuses an answer of more than two million characters', async () => {
    await expect(makeChecker().check(' '.repeat(2_097_153), ofType)).rejects.toMatchObject({ code: 'output_invalid' })
  })

  it('blames the message for a schema that cannot be compiled', async () => {
    await expect(makeChecker().check('1', { $ref: '#/none' })).rejects.toMatchObject({ code: 'invalid_message', retryable: false })
  })

  it.each([
    ['timed_out', 'the answer could not be checked against the schema within 2000 ms'],
    ['out_of_memory', 'the answer could not be checked against the schema within the memory of a thread'],
  ] as const)('ends as output_invalid when the check is %s', async (kind, message) => {
    const cpu = new InlineCpuPool()
    cpu.result = { kind }
    await expect(makeChecker(cpu).check('1', { type: 'number' })).rejects.toMatchObject({ code: 'output_invalid', message })
  })

  describe('with real threads', () => {
    it('loads its worker file from the sources and checks there', async () => {
      const checker = makeChecker(makeThreads())
      expect(await checker.check('```json\n{"a":[1]}\n```', { properties: { a: { items: { type: 'number' } } } })).toEqual({ a: [1] })
    })

    it('ends a pattern that would run for years', async () => {
      const answer = JSON.stringify(`${'a'.repeat(60)}!`)
      await expect(makeChecker(makeThreads()).check(answer, { type: 'string', pattern: '^(a+)+$' })).rejects.toThrow('within 2000 ms')
    })
  })
})
