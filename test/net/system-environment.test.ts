import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'

describe('the system environment', () => {
  const { clock, timers, random, network } = createSystemEnvironment()

  it('never calls a timer before its time, fractions of a millisecond included', async () => {
    const early: number[] = []
    const timer = (delayMs: number): Promise<void> =>
      new Promise(resolve => {
        const start = clock.now()
        timers.set(delayMs, () => {
          if (clock.now() - start < delayMs) early.push(delayMs)
          resolve()
        })
      })
    const keepAlive = setTimeout(() => {}, 1000)
    await Promise.all(Array.from({ length: 200 }, (_, i) => timer(i * 0.13)))
    clearTimeout(keepAlive)
    assert.deepEqual(early, [])
  })

  it('does not call a cancelled timer', async () => {
    const cancel = timers.set(1, () => assert.fail('it was cancelled'))
    cancel()
    cancel()
    await new Promise(resolve => setTimeout(resolve, 10))
  })

  it('waits for a delay that setTimeout cannot take, and asks it for none', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): number => warnings.push(warning)
    process.on('warning', onWarning)
    const delays = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY]
    const cancels = delays.map(delayMs => timers.set(delayMs, () => assert.fail('at once')))
    await new Promise(resolve => setTimeout(resolve, 20))
    for (const cancel of cancels) cancel()
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })

  it('calls at the end of a turn after the datagrams that wait in a socket', async () => {
    const order: string[] = []
    const receiver = createSocket('udp4')
    receiver.bind(0, '127.0.0.1')
    await once(receiver, 'listening')
    const sender = createSocket('udp4')
    receiver.on('message', () => {
      if (order.length === 0) timers.endOfTurn(() => order.push('end of turn'))
      order.push('datagram')
    })
    for (let i = 0; i < 5; i++) sender.send('x', receiver.address().port, '127.0.0.1')
    while (!order.includes('end of turn')) await new Promise(resolve => setTimeout(resolve, 1))
    receiver.close()
    sender.close()
    assert.deepEqual(order, [...new Array(5).fill('datagram'), 'end of turn'])
  })

  it('gives new random bytes of the length asked for', () => {
    assert.equal(random(0).length, 0)
    assert.equal(random(16).length, 16)
    assert.notDeepEqual(random(16), random(16))
  })

  it('tells wall time and a monotonic time', () => {
    assert.ok(Math.abs(clock.wallTime() - Date.now()) < 1000)
    const before = clock.now()
    assert.ok(clock.now() >= before)
  })

  it('binds the addresses that it names', async () => {
    for (const { address } of network.interfaces()) {
      const socket = await network.bindUdp(address, 0, () => {})
      assert.equal(socket.local.address, address)
      socket.close()
    }
  })

  it('lets the process end while timers, names, names of its own and watches are pending', async () => {
    const module = new URL('../../src/net/system-environment.ts', import.meta.url).href
    const script = `
      const { createSystemEnvironment } = await import(${JSON.stringify(module)})
      const { timers, resolver, network } = createSystemEnvironment()
      timers.set(60000, () => {})
      resolver.resolveMdns('00000000-0000-4000-8000-000000000000.local')
      resolver.registerMdns('192.0.2.1')
      network.watchInterfaces(() => {})
      await new Promise(resolve => setTimeout(resolve, 300))
    `
    const start = performance.now()
    await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
    assert.ok(performance.now() - start < 4000)
  })
})
