import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EncodedTrackSink, RtpTrackSink, RtpTrackSource } from '../../src/index.ts'
import { isRtcp } from '../../src/rtp/packet.ts'
import { vp8PictureSize } from '../../src/rtp/payload/index.ts'
import { type SrtpProfile, SrtpProfileId, SrtpSession, srtpProfile } from '../../src/srtp/index.ts'
import { mediaDevices } from '../../src/testing/index.ts'
import { freePort, Program } from '../dtls/program.ts'
import { requireFfmpeg } from '../rtp/payload/ffmpeg.ts'
import { prng } from '../support/prng.ts'
import { eventually } from './media-verbs.ts'

/** As ffmpeg calls them too. By their names of RFC 4568 it gives RTCP the short tags as well, which RFC 5764 §4.1.2 does not. */
const suites = [SrtpProfileId.aes128CmSha1_80, SrtpProfileId.aes128CmSha1_32].map(srtpProfile)
const vp8 = { mimeType: 'video/VP8', clockRate: 90_000 }
const size = { width: 320, height: 240 }

/** ffmpeg keeps keys apart by direction; one is enough here. */
function keyed({ id: profile }: SrtpProfile, seed: number): { readonly inline: string; readonly session: SrtpSession } {
  const bytes = prng(seed).bytes(30)
  const master = { key: bytes.slice(0, 16), salt: bytes.slice(16) }
  return {
    inline: Buffer.from(bytes).toString('base64'),
    session: new SrtpSession({ profile, sendKey: master, receiveKey: master }),
  }
}

async function boundSocket(): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { socket, port: socket.address().port }
}

describe('SRTP with ffmpeg', function () {
  this.timeout(30_000)

  for (const [index, suite] of suites.entries()) {
    it(`takes what ffmpeg protects with ${suite.name}, RTP and RTCP`, async function () {
      requireFfmpeg(this, 'libvpx')
      const { inline, session } = keyed(suite, 70 + index)
      const { socket, port } = await boundSocket()
      const source = new RtpTrackSource('video', { codec: vp8 })
      const sink = new EncodedTrackSink(source.track)
      const sizes: ({ width: number; height: number } | undefined)[] = []
      sink.onframe = ({ data, keyframe }) => {
        if (keyframe) sizes.push(vp8PictureSize(data))
      }
      let reports = 0
      socket.on('message', packet => {
        const plain = isRtcp(packet) ? session.unprotectRtcp(packet) : session.unprotect(packet)
        if ('drop' in plain) return
        if (isRtcp(plain)) reports++
        else source.write(plain)
      })
      const picture = `testsrc2=size=${size.width}x${size.height}:rate=25`
      const encoder = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '10', '-b:v', '500k']
      const output = ['-f', 'rtp', '-payload_type', '96', '-srtp_out_suite', suite.name, '-srtp_out_params', inline]
      const url = `srtp://127.0.0.1:${port}?rtcpport=${port}`
      const input = ['-hide_banner', '-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', picture]
      const program = new Program('ffmpeg', [...input, ...encoder, ...output, url])
      try {
        await eventually(
          `frames of ffmpeg: ${suite.name}`,
          () => sink.stats.frames,
          frames => frames >= 30,
        )
        for (const each of sizes) assert.deepEqual(each, size)
        assert.ok(sizes.length > 0 && reports > 0, `${sizes.length} keyframes, ${reports} reports`)
        assert.deepEqual(
          Object.values(session.drops).filter(count => count > 0),
          [],
        )
        assert.equal(sink.stats.refusedPackets, 0)
      } finally {
        await program.stop()
        socket.close()
        sink.close()
        source.close()
      }
    })

    it(`has ffmpeg decode what is protected with ${suite.name}`, async function () {
      requireFfmpeg(this, 'vp8')
      const { inline, session } = keyed(suite, 80 + index)
      const folder = mkdtempSync(join(tmpdir(), 'icefloe-srtp-'))
      const port = await freePort()
      const description = [
        ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=video ${port} RTP/SAVP 96`],
        ...['a=rtpmap:96 VP8/90000', `a=crypto:1 ${suite.name} inline:${inline}`],
      ]
      const file = join(folder, 'stream.sdp')
      writeFileSync(file, `${description.join('\r\n')}\r\n`)
      const input = ['-protocol_whitelist', 'file,udp,rtp,srtp', '-reorder_queue_size', '0', '-i', file]
      const output = ['-map', '0', '-fps_mode', 'passthrough', '-flush_packets', '1', '-f', 'framemd5', '-']
      const program = new Program('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...input, ...output])
      const { socket } = await boundSocket()
      const stream = await mediaDevices.getUserMedia({ video: { ...size, frameRate: 25 } })
      const [track] = stream.getVideoTracks()
      assert.ok(track)
      const sink = new RtpTrackSink(track)
      // Of the device, only what is asked for is a keyframe: ffmpeg may listen later than it begins.
      const asking = setInterval(() => sink.requestKeyframe(), 400)
      sink.onpacket = ({ data }) => {
        const packet = session.protect(data)
        if (!('drop' in packet)) socket.send(packet, port, '127.0.0.1')
      }
      const pictures = () => program.output.match(/^0,.*[0-9a-f]{32}$/gm)?.length ?? 0
      try {
        await eventually(`pictures that ffmpeg decodes: ${suite.name}`, pictures, count => count >= 25)
      } finally {
        clearInterval(asking)
        sink.close()
        track.stop()
        socket.close()
        await program.stop()
        rmSync(folder, { recursive: true })
      }
    })
  }
})
