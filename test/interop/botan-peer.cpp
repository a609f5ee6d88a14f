// One end of a DTLS 1.2 connection with Botan, that sends back the data it gets. The programs that come with Botan
// neither show a client's certificate nor ask for one, and export no keys.
//
//   botan-peer client|server PORT CERTIFICATE KEY POLICY LABEL LENGTH
//
// PORT is that of icefloe for a client, and Botan's own for a server.

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <poll.h>
#include <sys/socket.h>

#include <botan/auto_rng.h>
#include <botan/credentials_manager.h>
#include <botan/data_src.h>
#include <botan/hex.h>
#include <botan/pkcs8.h>
#include <botan/tls_callbacks.h>
#include <botan/tls_client.h>
#include <botan/tls_policy.h>
#include <botan/tls_server.h>
#include <botan/tls_session_manager.h>
#include <botan/x509cert.h>

using namespace Botan;

namespace {

// One certificate, for whatever is asked; and a secret for the cookies of HelloVerifyRequest.
class Credentials final : public Credentials_Manager {
 public:
  Credentials(const char* certificate, const char* key) : m_certificate(certificate) {
    DataSource_Stream source(key);
    m_key = PKCS8::load_key(source);
  }

  std::vector<X509_Certificate> cert_chain(const std::vector<std::string>& key_types, const std::string&,
                                           const std::string&) override {
    for (const std::string& type : key_types) {
      if (type == m_key->algo_name()) return {m_certificate};
    }
    return {};
  }

  Private_Key* private_key_for(const X509_Certificate&, const std::string&, const std::string&) override {
    return m_key.get();
  }

  SymmetricKey psk(const std::string& type, const std::string& context, const std::string& identity) override {
    if (type == "tls-server" && context == "dtls-cookie-secret") return SymmetricKey(std::string(64, 'A'));
    return Credentials_Manager::psk(type, context, identity);
  }

 private:
  X509_Certificate m_certificate;
  std::unique_ptr<Private_Key> m_key;
};

class Peer final : public TLS::Callbacks {
 public:
  explicit Peer(int socket) : m_socket(socket) {}

  void attach(TLS::Channel* channel) { m_channel = channel; }

  void tls_emit_data(const uint8_t data[], size_t size) override { ::send(m_socket, data, size, 0); }

  void tls_record_received(uint64_t, const uint8_t data[], size_t size) override {
    m_channel->send(data, size);
  }

  void tls_alert(TLS::Alert alert) override { std::cout << "alert: " << alert.type_string() << std::endl; }

  bool tls_session_established(const TLS::Session& session) override {
    std::cout << "SRTP profile: " << session.dtls_srtp_profile() << std::endl;
    for (const X509_Certificate& certificate : session.peer_certs()) std::cout << certificate.PEM_encode();
    return false;
  }

  // icefloe's certificate is known by its fingerprint, which the test compares.
  void tls_verify_cert_chain(const std::vector<X509_Certificate>&,
                             const std::vector<std::shared_ptr<const OCSP::Response>>&,
                             const std::vector<Certificate_Store*>&, Usage_Type, const std::string&,
                             const TLS::Policy&) override {}

 private:
  int m_socket;
  TLS::Channel* m_channel = nullptr;
};

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  return address;
}

// A socket that is connected to icefloe; for a server, once icefloe has sent something.
int connected_socket(bool is_client, const char* port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = loopback(port);
  if (!is_client) {
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) throw std::runtime_error("bind");
    std::cout << "listening" << std::endl;
    socklen_t length = sizeof(address);
    char byte;
    ::recvfrom(fd, &byte, 1, MSG_PEEK, reinterpret_cast<sockaddr*>(&address), &length);
  }
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) throw std::runtime_error("connect");
  return fd;
}

void run(TLS::Channel& channel, int fd, const std::string& label, size_t length) {
  bool exported = false;
  std::vector<uint8_t> datagram(65536);
  while (!channel.is_closed()) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 50) > 0) {
      const ssize_t got = ::recv(fd, datagram.data(), datagram.size(), 0);
      if (got > 0) channel.received_data(datagram.data(), static_cast<size_t>(got));
    }
    channel.timeout_check();
    if (channel.is_active() && !exported) {
      exported = true;
      std::cout << "exported: " << hex_encode(channel.key_material_export(label, "", length).bits_of(), false)
                << std::endl;
    }
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 8) return 2;
  try {
    const bool is_client = std::string(argv[1]) == "client";
    AutoSeeded_RNG rng;
    Credentials credentials(argv[3], argv[4]);
    const TLS::Text_Policy policy{std::string(argv[5])};
    TLS::Session_Manager_Noop sessions;
    const int fd = connected_socket(is_client, argv[2]);
    Peer peer(fd);
    std::unique_ptr<TLS::Channel> channel;
    if (is_client) {
      // The client's first message leaves while it is made.
      channel.reset(new TLS::Client(peer, sessions, credentials, policy, rng, TLS::Server_Information("localhost"),
                                    TLS::Protocol_Version::latest_dtls_version()));
    } else {
      channel.reset(new TLS::Server(peer, sessions, credentials, policy, rng, true));
    }
    peer.attach(channel.get());
    run(*channel, fd, argv[6], static_cast<size_t>(std::atoi(argv[7])));
  } catch (const std::exception& error) {
    std::cout << "error: " << error.what() << std::endl;
    return 1;
  }
  return 0;
}
