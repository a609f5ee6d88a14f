/* libsrtp behind a pipe: a command a line on stdin, an answer a line on stdout, bytes in hex, "-" for none.
 *
 *   new <send|receive> <ssrc or -> <IANA profile> <master key and salt> <mki> <encrypted extension IDs, a byte each>
 *       -> session number
 *   roc <session> <ssrc> <rollover counter>           -> ok
 *   <protect|unprotect|protect-rtcp|unprotect-rtcp> <session> <packet>  -> packet, or "error <status>"
 */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SESSIONS 4096
#define MAX_BYTES 70000

static struct {
  srtp_t srtp;
  int mki;
} sessions[MAX_SESSIONS];
static int session_count = 0;

static char line[2 * MAX_BYTES + 256];
static unsigned char bytes[MAX_BYTES + SRTP_MAX_TRAILER_LEN + 16];

static int from_hex(const char *text, unsigned char *out, int max) {
  int length = 0;
  unsigned value;
  if (strcmp(text, "-") == 0) return 0;
  for (; length < max && sscanf(text + 2 * length, "%2x", &value) == 1; length++) out[length] = (unsigned char)value;
  return length;
}

static void set_policies(int profile, srtp_policy_t *policy) {
  switch (profile) {
    case 1:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
      break;
    case 2:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
      break;
    case 7:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
      break;
    default:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
  }
}

static void create(char **words) {
  unsigned char key[SRTP_MAX_KEY_LEN], mki[SRTP_MAX_MKI_LEN], ids[255];
  int extensions[255], i, mki_length = from_hex(words[5], mki, sizeof mki);
  srtp_policy_t policy;
  srtp_master_key_t master = {key, mki, (unsigned)mki_length};
  srtp_master_key_t *masters[1] = {&master};
  srtp_err_status_t status;

  memset(&policy, 0, sizeof policy);
  memset(key, 0, sizeof key);
  from_hex(words[4], key, sizeof key);
  set_policies(atoi(words[3]), &policy);
  if (strcmp(words[2], "-") == 0) {
    policy.ssrc.type = strcmp(words[1], "send") == 0 ? ssrc_any_outbound : ssrc_any_inbound;
  } else {
    policy.ssrc.type = ssrc_specific;
    policy.ssrc.value = (unsigned)strtoul(words[2], NULL, 16);
  }
  if (mki_length > 0) {
    policy.keys = masters;
    policy.num_master_keys = 1;
  } else {
    policy.key = key;
  }
  policy.window_size = 1024;
  policy.enc_xtn_hdr_count = from_hex(words[6], ids, sizeof ids);
  for (i = 0; i < policy.enc_xtn_hdr_count; i++) extensions[i] = ids[i];
  if (policy.enc_xtn_hdr_count > 0) policy.enc_xtn_hdr = extensions;

  if (session_count == MAX_SESSIONS) {
    printf("error too many sessions\n");
    return;
  }
  sessions[session_count].mki = mki_length > 0;
  status = srtp_create(&sessions[session_count].srtp, &policy);
  if (status != srtp_err_status_ok) printf("error %d\n", status);
  else printf("%d\n", session_count++);
}

static void transform(char **words) {
  int session = atoi(words[1]), length = from_hex(words[2], bytes, MAX_BYTES), i;
  srtp_t srtp = sessions[session].srtp;
  unsigned mki = (unsigned)sessions[session].mki;
  srtp_err_status_t status;

  if (strcmp(words[0], "protect") == 0) status = srtp_protect_mki(srtp, bytes, &length, mki, 0);
  else if (strcmp(words[0], "unprotect") == 0) status = srtp_unprotect_mki(srtp, bytes, &length, mki);
  else if (strcmp(words[0], "protect-rtcp") == 0) status = srtp_protect_rtcp_mki(srtp, bytes, &length, mki, 0);
  else status = srtp_unprotect_rtcp_mki(srtp, bytes, &length, mki);
  if (status != srtp_err_status_ok) {
    printf("error %d\n", status);
    return;
  }
  for (i = 0; i < length; i++) printf("%02x", bytes[i]);
  printf("\n");
}

int main(void) {
  if (srtp_init() != srtp_err_status_ok) return 1;
  while (fgets(line, sizeof line, stdin)) {
    char *words[8] = {0}, *word = strtok(line, " \n");
    int count = 0;
    for (; word && count < 8; word = strtok(NULL, " \n")) words[count++] = word;
    if (count == 7 && strcmp(words[0], "new") == 0) create(words);
    else if (count == 4 && strcmp(words[0], "roc") == 0) {
      srtp_err_status_t status = srtp_set_stream_roc(sessions[atoi(words[1])].srtp, (unsigned)strtoul(words[2], NULL, 16),
                                                     (unsigned)strtoul(words[3], NULL, 10));
      if (status == srtp_err_status_ok) printf("ok\n");
      else printf("error %d\n", status);
    } else if (count == 3 && atoi(words[1]) < session_count) transform(words);
    else printf("error command\n");
    fflush(stdout);
  }
  return 0;
}
