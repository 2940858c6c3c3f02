/* What a client and a broker must agree on before they talk: the twin of ProtocolVersion.java. The
 * messages are described in rbdwrapper-ipc.xml, from which their codecs are generated. */

#ifndef RBDW_PROTOCOL_H
#define RBDW_PROTOCOL_H

#define PROTOCOL_MAJOR 1
#define PROTOCOL_MINOR 0

/* For people; set by build.sh. */
#ifndef RBDW_RELEASE
#define RBDW_RELEASE "development"
#endif

/* A name of the generated codecs: SBE(hello_put_program) and so on. */
#define SBE(name) org_rbdwrapper_ipc_codec_##name

#endif
