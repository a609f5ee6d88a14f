import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { requireProgram } from '../dtls/program.ts'

const program = fileURLToPath(new URL('relay-capture-program.ts', import.meta.url))

/**
 * A host of its own, with the address of the peers and that of the TURN server; everything that is sent on it is written
 * down. What begins before tcpdump is ready would be missed, so that is waited for.
 */
const script = `
set -eu
ip link set lo up
ip link add a0 type veth peer name b0
ip addr add 198.51.100.5/24 dev a0
ip addr add 203.0.113.1/24 dev a0
ip link set a0 up
ip link set b0 up
for nobody in 198.51.100.77 198.51.100.99; do ip neigh add $nobody lladdr 02:00:00:00:00:01 dev a0; done
notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
tcpdump -Z root -n -q -l -i any 'udp or tcp' 2>"$notes" &
capture=$!
for _ in $(seq 100); do grep -q 'listening on' "$notes" && break; sleep 0.1; done
"$@" >&2
sleep 0.5
kill "$capture"
wait "$capture" || true
`

interface Packet {
  readonly from: string
  readonly to: string
}

/** Runs the program with a transport policy, and returns every packet that was on the wire. */
function capture(policy: 'all' | 'relay'): Packet[] {
  const node = [process.execPath, '--import', 'tsx', program, policy]
  const inNamespace = ['--net', 'bash', '-c', script, 'capture', ...node]
  const output = execFileSync('unshare', inNamespace, {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return output.split('\n').flatMap(line => {
    const match = / IP6? (\S+) > (\S+): /.exec(line)
    return match === null ? [] : [{ from: match[1] ?? '', to: match[2] ?? '' }]
  })
}

const turnServer = '203.0.113.1.3478'
/** Where the server sends from what it relays to others. */
const relayedPort = /^203\.0\.113\.1\.20\d{3}$/

describe('the transport policy relay, on the wire', () => {
  before(function () {
    requireProgram(this, 'tcpdump')
    requireProgram(this, 'ip')
    // A network namespace, and a look at its wire, are for root alone.
    if (process.getuid?.() !== 0) this.skip()
  })

  it('sends nothing but to and from the TURN server', function () {
    this.timeout(90_000)
    const packets = capture('relay')
    assert.ok(packets.length > 50, `${packets.length} packets`)
    const astray = packets.filter(({ from, to }) => from !== turnServer && to !== turnServer && !relayedPort.test(from))
    assert.deepEqual(astray, [])
  })

  it('is what makes the difference: without it peers talk to each other and ask STUN servers', function () {
    this.timeout(90_000)
    const packets = capture('all')
    const to = (address: string) => packets.some(packet => packet.to.startsWith(address))
    assert.ok(to('198.51.100.5.'), 'to the other peer')
    assert.ok(to('198.51.100.99.3478'), 'to the STUN server')
  })
})
