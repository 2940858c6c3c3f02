package org.rbdwrapper.adm;

import org.rbdwrapper.client.admin.BrokerAdmin;
import org.rbdwrapper.client.admin.MappingInfo;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** {@code showmapped}, with the columns and keys of {@code rbd showmapped}. */
@Command(name = "showmapped", description = "Shows the mapped images.")
final class ShowMappedCommand extends AdmCommand {
    @Option(names = "--format", paramLabel = "FORMAT", description = "plain (default), json or xml")
    private Format format = Format.PLAIN;

    @Override
    void run(BrokerAdmin broker) throws Exception {
        List<Map<String, String>> devices = new ArrayList<>();
        for (MappingInfo mapping : broker.mappings()) {
            Map<String, String> device = new LinkedHashMap<>();
            device.put("id", Integer.toString(mapping.id()));
            device.put("pool", mapping.pool());
            device.put("namespace", mapping.namespace());
            device.put("name", mapping.image());
            device.put("snap", mapping.snap().isEmpty() ? "-" : mapping.snap());
            device.put("device", mapping.path());
            devices.add(device);
        }
        switch (format) {
            case PLAIN -> {
                Table table = new Table("id", "pool", "namespace", "image", "snap", "device");
                devices.forEach(device -> table.add(device.values().toArray()));
                table.print(out());
            }
            case JSON -> Format.printJson(out(), devices);
            case XML -> printXml(devices);
        }
    }

    private void printXml(List<Map<String, String>> devices) throws XMLStreamException {
        XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(out());
        xml.writeStartElement("devices");
        for (Map<String, String> device : devices) {
            xml.writeStartElement("device");
            for (Map.Entry<String, String> field : device.entrySet()) {
                xml.writeStartElement(field.getKey());
                xml.writeCharacters(field.getValue());
                xml.writeEndElement();
            }
            xml.writeEndElement();
        }
        xml.writeEndElement();
        xml.flush();
        out().println();
    }
}
