// The facts of a node, and where it listens.
import { bytes, count, span } from "../../lib/format";
import { href } from "../../lib/router";
import { serverNow, shownTime } from "../../lib/time";
import type { NodeInfo, Overview } from "../../lib/types";
import { Badge, Card, Facts, State } from "../../ui/parts";

export function NodeCard({ node, overview }: { node: NodeInfo; overview: Overview | undefined }) {
  const share = (used?: number, total?: number) =>
    used === undefined ? "–" : total ? `${count(used)} of ${count(total)}` : count(used);
  return (
    <Card
      title={<a href={href(["nodes", node.name])}>{node.name}</a>}
      tools={<State tone={node.running === false ? "bad" : "good"}>{node.running === false ? "Stopped" : "Running"}</State>}
    >
      <Facts
        of={[
          ["Up for", <span key="up">{span(node.uptime)} <span class="faint">{node.uptime !== undefined && `(since ${shownTime(serverNow() - node.uptime)})`}</span></span>],
          ["Memory", `${bytes(node.mem_used)}, alarm at ${bytes(node.mem_limit)}`],
          ["Disk free", `${bytes(node.disk_free)}, alarm below ${bytes(node.disk_free_limit)}`],
          ["File descriptors", share(node.fd_used, node.fd_total)],
          ["Sockets", share(node.sockets_used, node.sockets_total)],
          ["Processors", count(node.processors)],
          ["Process", node.os_pid ?? "–"],
          ["Version", `${overview?.product_name ?? ""} ${overview?.product_version ?? ""}, ${overview?.erlang_full_version ?? ""}`],
          ["Spoken as", `RabbitMQ ${overview?.rabbitmq_version ?? ""}`],
        ]}
      />
    </Card>
  );
}

export function Listeners({ overview }: { overview: Overview | undefined }) {
  if (!overview?.listeners) return null;
  return (
    <Card title="Listeners" flush>
      <div class="plain">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Protocol</th>
              <th scope="col">Address</th>
              <th scope="col" class="num">
                Port
              </th>
            </tr>
          </thead>
          <tbody>
            {overview.listeners.map(({ protocol, ip_address, port }) => (
              <tr key={`${protocol} ${ip_address} ${port}`}>
                <td>
                  <Badge>{protocol}</Badge>
                </td>
                <td class="mono">{ip_address}</td>
                <td class="num mono">{port}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
