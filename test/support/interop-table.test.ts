import assert from 'node:assert/strict'
import { expectedDocument, type InteropRecord, InteropTable, interopMode } from './interop-table.ts'

const entry: InteropRecord = {
  peer: 'A peer',
  version: 'DTLS 1.2',
  role: 'client',
  certificate: 'ECDSA P-256',
  group: 'X25519',
  suite: 'AES-128-GCM',
}

function table(...entries: readonly Partial<InteropRecord>[]): InteropTable {
  const made = new InteropTable()
  for (const each of entries) made.record({ ...entry, ...each })
  return made
}

function rows(made: InteropTable): string[] {
  return made
    .toMarkdown()
    .split('\n')
    .filter(line => line.startsWith('| A'))
    .map(line => line.replaceAll(/ +/g, ' '))
}

describe('The table of interoperability', () => {
  it('has one row for a peer, version, role and certificate, with all groups and suites', () => {
    const made = table(
      { group: 'secp384r1', suite: 'TLS_CHACHA20_POLY1305_SHA256' },
      { group: 'x25519mlkem768' },
      { suite: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384' },
    )
    assert.deepEqual(rows(made), [
      '| A peer | DTLS 1.2 | client | ECDSA P-256 | X25519MLKEM768, X25519, P-384 | AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305 |',
    ])
  })

  it('has its rows in an order of their own', () => {
    const entries: Partial<InteropRecord>[] = [
      { peer: 'Another' },
      { certificate: 'Ed25519' },
      { version: 'DTLS 1.3' },
      { role: 'server' },
      { certificate: 'RSA PKCS#1' },
      {},
    ]
    assert.deepEqual(rows(table(...entries)), rows(table(...entries.toReversed())))
    assert.deepEqual(
      rows(table(...entries)).map(line => line.split(' | ').slice(0, 4).join(', ')),
      [
        '| A peer, DTLS 1.2, client, ECDSA P-256',
        '| A peer, DTLS 1.2, client, RSA PKCS#1',
        '| A peer, DTLS 1.2, client, Ed25519',
        '| A peer, DTLS 1.2, server, ECDSA P-256',
        '| A peer, DTLS 1.3, client, ECDSA P-256',
        '| Another, DTLS 1.2, client, ECDSA P-256',
      ],
    )
  })

  it('is read as it was written', () => {
    const markdown = table({}, { peer: 'Another', group: 'P-256' }).toMarkdown()
    assert.equal(InteropTable.parse(markdown).toMarkdown(), markdown)
  })

  it('refuses a group or a suite that it does not know', () => {
    assert.throws(() => table({ group: 'secp521r1' }), /no group secp521r1/)
    assert.throws(() => table({ suite: 'TLS_AES_128_CCM_SHA256' }), /no cipher suite TLS_AES_128_CCM_SHA256/)
  })

  it('may lack rows in a run of some tests, and has to have those that were seen', () => {
    const document = table({}, { peer: 'Another' }).toMarkdown()
    assert.equal(expectedDocument('contained', table(), document), document)
    assert.equal(expectedDocument('contained', table({ peer: 'Another' }), document), document)
    assert.notEqual(expectedDocument('contained', table({ group: 'P-256' }), document), document)
    assert.equal(
      expectedDocument('add', table({ group: 'P-256' }), document),
      table({}, { group: 'P-256' }, { peer: 'Another' }).toMarkdown(),
    )
  })

  it('has to be what was seen, no less and no more, in a run of all tests', () => {
    const document = table({}, { peer: 'Another' }).toMarkdown()
    assert.equal(expectedDocument('exact', table({}, { peer: 'Another' }), document), document)
    assert.notEqual(expectedDocument('exact', table({}), document), document)
    assert.notEqual(expectedDocument('exact', table({}, { peer: 'Another', suite: 'AES-256-GCM' }), document), document)
    assert.equal(expectedDocument('write', table({}), document), table({}).toMarkdown())
  })

  it('is asked for in words that it knows', () => {
    assert.equal(interopMode({}), 'contained')
    assert.equal(interopMode({ ICEFLOE_INTEROP: 'add' }), 'add')
    assert.throws(() => interopMode({ ICEFLOE_INTEROP: 'yes' }), /ICEFLOE_INTEROP is yes/)
  })
})
