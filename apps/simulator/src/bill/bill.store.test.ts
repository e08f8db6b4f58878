import { describe, expect, it } from 'vitest'
import { BillStore } from './bill.store.js'

function fill(bill: BillStore, calls: number): void {
  for (let call = 0; call < calls; call++) {
    const record = bill.open('POST', '/path')
    record.status = 200
    record.outcome = 'answered'
    record.paid = true
    record.promptTokens = 2
    bill.settle(record)
  }
}

function sequences(bill: BillStore, since = 0): number[] {
  return [...bill.recordsSince(since)].map(({ sequence }) => sequence)
}

describe(BillStore.name, () => {
  it('gives the records after a sequence', () => {
    const bill = new BillStore({ detail: true, maxRecords: 100 })
    fill(bill, 5)

    expect(sequences(bill)).toEqual([1, 2, 3, 4, 5])
    expect(sequences(bill, 3)).toEqual([4, 5])
    expect(sequences(bill, 5)).toEqual([])
  })

  it('forgets the oldest records but counts all calls', () => {
    const bill = new BillStore({ detail: true, maxRecords: 10 })
    fill(bill, 23)

    expect(sequences(bill)).toEqual([16, 17, 18, 19, 20, 21, 22, 23])
    expect(sequences(bill, 20)).toEqual([21, 22, 23])
    expect(bill.forgotten).toBe(15)
    expect(bill.counters).toMatchObject({ calls: 23, paid: 23, promptTokens: 46 })
  })

  it('keeps only counters without detail', () => {
    const bill = new BillStore({ detail: false, maxRecords: 10 })
    fill(bill, 3)

    expect(sequences(bill)).toEqual([])
    expect(bill.counters.byStatus.get(200)).toBe(3)
  })

  it('goes on with its sequence after it was cleared, and forgets the calls that were in flight', () => {
    const bill = new BillStore({ detail: true, maxRecords: 10 })
    const open = bill.open('POST', '/path')
    bill.clear()
    bill.settle(open)
    fill(bill, 1)

    expect(sequences(bill)).toEqual([2])
    expect(bill.counters).toMatchObject({ calls: 1, paid: 1 })
    expect(bill.counters.byOutcome.get('open')).toBeUndefined()
  })
})
